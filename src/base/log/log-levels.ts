/** Log4j's levels, in order of verbosity: each includes those before it. */
export const LOG_LEVELS = ["off", "fatal", "error", "warn", "info", "debug", "trace", "all"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The levels of lines. */
export type LineLevel = "error" | "warn" | "info" | "debug" | "trace";

/** The name of the logger that all others inherit from. */
const ROOT = "root";

/** The name below which each connector has a logger: `connectors.NAME`. */
const CONNECTORS = "connectors";

/** All levels that were set, as data for other threads. */
export interface LevelSettings {
  readonly root: LogLevel;
  readonly set: readonly (readonly [name: string, level: LogLevel])[];
}

/** One logger, as REST shows it. */
export interface LoggerLevel {
  readonly name: string;
  readonly level: LogLevel;
  /** When the level last changed, in ms since 1970; null if it never has. */
  readonly modifiedMs: number | null;
}

/** Parses a level, in any case and with blanks around it; undefined if unknown. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const level = text.trim().toLowerCase();
  return LOG_LEVELS.find((name) => name === level);
}

/**
 * The levels of one process's loggers. A logger has its own level, or that of the nearest logger above it (names are
 * dotted), or the root's. Each connector has a logger, too: its level, once set, decides about all lines about that
 * connector, whichever part writes them.
 */
export class LogLevels {
  #root: LogLevel;
  readonly #set: Map<string, LogLevel>;
  readonly #known = new Set<string>();
  readonly #modifiedMs = new Map<string, number>();
  readonly #listeners: ((settings: LevelSettings) => void)[] = [];
  #version = 0;

  constructor(root: LogLevel, set: LevelSettings["set"] = []) {
    this.#root = root;
    this.#set = new Map(set);
    for (const [name] of set) this.#known.add(name);
  }

  /** Grows with every change, for loggers that remember an answer of `rank`. */
  get version(): number {
    return this.#version;
  }

  settings(): LevelSettings {
    return { root: this.#root, set: [...this.#set] };
  }

  /** Takes over another thread's levels. */
  replace({ root, set }: LevelSettings): void {
    this.#root = root;
    this.#set.clear();
    for (const [name, level] of set) this.#set.set(name, level);
    this.#version++;
  }

  /** Passes on the settings after each `set`. */
  onChange(listener: (settings: LevelSettings) => void): void {
    this.#listeners.push(listener);
  }

  /** Makes a logger known to `all` and `one`. */
  add(name: string): void {
    this.#known.add(name);
  }

  /** The level's place in LOG_LEVELS up to which lines of this logger, about this connector if any, are written. */
  rank(name: string, connector?: string): number {
    const own = connector === undefined ? undefined : this.#setAt(loggerOf(connector));
    return LOG_LEVELS.indexOf(own ?? this.#levelOf(name));
  }

  /** The root logger and all known ones, by name, without those that are off. */
  all(): LoggerLevel[] {
    const names = [ROOT, ...this.#known].sort();
    return names.map((name) => this.#view(name)).filter(({ level }) => level !== "off");
  }

  /** Undefined if no such logger is known. */
  one(name: string): LoggerLevel | undefined {
    if (isRoot(name)) return this.#view(ROOT);
    return this.#known.has(name) ? this.#view(name) : undefined;
  }

  /**
   * Sets the level of a logger and of every known one whose name begins with `namespace`; the root's is set for all.
   * The root's level also ends what was set for single connectors: they follow their parts again.
   *
   * @returns the names whose level changed, sorted.
   */
  set(namespace: string, level: LogLevel, nowMs: number): string[] {
    const root = isRoot(namespace);
    if (!root) this.#known.add(namespace);
    const concerned = root ? [ROOT, ...this.#known] : [...this.#known].filter((name) => name.startsWith(namespace));
    const changed = concerned.filter((name) => this.#levelOf(name) !== level).sort();
    if (root) {
      this.#root = level;
      this.#set.clear();
    } else for (const name of concerned) this.#set.set(name, level);
    for (const name of changed) this.#modifiedMs.set(name, nowMs);
    this.#version++;
    for (const listener of this.#listeners) listener(this.settings());
    return changed;
  }

  #view(name: string): LoggerLevel {
    return { name, level: this.#levelOf(name), modifiedMs: this.#modifiedMs.get(name) ?? null };
  }

  #levelOf(name: string): LogLevel {
    return (name === ROOT ? undefined : this.#setAt(name)) ?? this.#root;
  }

  /** The level set for this logger, or for its nearest parent. */
  #setAt(name: string): LogLevel | undefined {
    if (this.#set.size === 0) return undefined;
    for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
      const level = this.#set.get(name.slice(0, end));
      if (level !== undefined) return level;
    }
    return undefined;
  }
}

/** The logger of a connector. */
export function loggerOf(connector: string): string {
  return `${CONNECTORS}.${connector}`;
}

function isRoot(name: string): boolean {
  return name.toLowerCase() === ROOT;
}
