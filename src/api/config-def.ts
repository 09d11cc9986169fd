import { ConfigError } from "./errors.js";

export type ConfigType = "boolean" | "string" | "int" | "short" | "long" | "double" | "list" | "class" | "password";

/** A parsed value of any type; null when the key has no value. */
export type ConfigAtom = boolean | string | number | readonly string[] | Password | null;

/** A secret. It prints as `[hidden]`; only code that uses the secret reads `value`. */
export class Password {
  static readonly HIDDEN = "[hidden]";
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  get value(): string {
    return this.#value;
  }

  toString(): string {
    return Password.HIDDEN;
  }

  toJSON(): string {
    return Password.HIDDEN;
  }
}

/**
 * Checks a parsed value and returns the full error message, or undefined if the value is valid. The value is null when
 * it is missing or could not be parsed: Kafka runs its validators then, too.
 */
export type ConfigCheck = (key: string, value: ConfigAtom) => string | undefined;

/** The definition of one key. Parsing, defaults, validation, help and the REST answers all use it. */
export interface ConfigKey {
  readonly type: ConfigType;
  readonly doc: string;
  /** Absent: the key is required. Otherwise the parsed value (an array for a list); null for "no value". */
  readonly default?: boolean | string | number | readonly string[] | null;
  readonly importance?: "high" | "medium" | "low";
  readonly group?: string;
  readonly order?: number;
  readonly width?: "none" | "short" | "medium" | "long";
  readonly displayName?: string;
  readonly dependents?: readonly string[];
  readonly check?: ConfigCheck;
  /** The values to offer for the key `name`; `values` are all parsed values. */
  readonly recommend?: (name: string, values: Readonly<Record<string, ConfigAtom>>) => readonly string[];
  /** Whether to show the key. */
  readonly visible?: (name: string, values: Readonly<Record<string, ConfigAtom>>) => boolean;
}

/** Keys, in the order of the REST answers. */
export type ConfigDef = Readonly<Record<string, ConfigKey>>;

type AtomOf<T extends ConfigType> = T extends "boolean"
  ? boolean
  : T extends "int" | "short" | "long" | "double"
    ? number
    : T extends "list"
      ? readonly string[]
      : T extends "password"
        ? Password
        : string;

type ValueOf<K extends ConfigKey> = K extends { readonly default: null } ? AtomOf<K["type"]> | null : AtomOf<K["type"]>;

/** The parsed values of a definition, typed by key: `values["flush.size"]` is a number. */
export type ConfigValues<D extends ConfigDef> = { readonly [K in keyof D]: ValueOf<D[K]> };

/** The result of validating one key (KIP-26). */
export interface ConfigValue {
  readonly name: string;
  /** As REST shows it: lists joined by commas, passwords hidden; null when missing or impossible to parse. */
  value: string | null;
  recommendedValues: string[];
  errors: string[];
  visible: boolean;
}

/** Keys as submitted over REST, where a value can be null. */
export type SubmittedProps = Readonly<Record<string, string | null | undefined>>;

/**
 * Validates every key of `def`, in order, with Kafka's messages (ConfigDef.validate). Returns all faults; throws none.
 */
export function validateConfig(def: ConfigDef, props: SubmittedProps): ConfigValue[] {
  const atoms: Record<string, ConfigAtom> = {};
  const results = Object.entries(def).map(([name, key]) => {
    const errors: string[] = [];
    let atom: ConfigAtom = null;
    try {
      // A submitted null is a value: it hides the default.
      atom = props[name] === null ? null : parseKey(name, key, props[name]);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error.message);
    }
    atoms[name] = atom;
    // Like Kafka, checks a value that was submitted, could not be parsed or is missing without a default; never a
    // default.
    const complaint = key.check?.(name, atom);
    if (complaint !== undefined && (errors.length > 0 || props[name] !== undefined || !("default" in key)))
      errors.push(complaint);
    return {
      name,
      value: renderValue(key.type, atom, props[name]),
      recommendedValues: [] as string[],
      errors,
      visible: true,
    };
  });
  for (const result of results) {
    const key = def[result.name]!;
    if (key.recommend) result.recommendedValues = [...key.recommend(result.name, atoms)];
    if (key.visible) result.visible = key.visible(result.name, atoms);
  }
  return results;
}

/**
 * Parses the keys of `def` from `props`, ignoring other keys.
 *
 * @throws ConfigError naming the first key that is missing or invalid.
 */
export function parseConfig<const D extends ConfigDef>(def: D, props: SubmittedProps): ConfigValues<D> {
  const values: Record<string, ConfigAtom> = {};
  for (const [name, key] of Object.entries(def)) {
    const atom = parseKey(name, key, props[name]);
    const isChecked = props[name] != null || !("default" in key);
    const complaint = isChecked ? key.check?.(name, atom) : undefined;
    if (complaint !== undefined) throw new ConfigError(name, complaint);
    values[name] = atom;
  }
  return values as ConfigValues<D>;
}

/** A value as REST shows it. Lists are joined by commas without spaces. */
export function renderAtom(atom: ConfigAtom): string | null {
  if (atom === null) return null;
  if (Array.isArray(atom)) return atom.join(",");
  return String(atom);
}

/**
 * Like renderAtom, but numbers as Java prints them: doubles with a fraction, longs beyond 2^53 with all their digits.
 */
function renderValue(type: ConfigType, atom: ConfigAtom, raw: string | null | undefined): string | null {
  if (typeof atom !== "number") return renderAtom(atom);
  if (type === "double" && Number.isInteger(atom)) return `${atom}.0`;
  return Number.isSafeInteger(atom) || type === "double"
    ? String(atom)
    : BigInt(raw?.trim().replace(/^\+/, "") ?? atom).toString();
}

/** Kafka's `Invalid value V for configuration K: detail`. */
export function invalidValue(key: string, value: ConfigAtom | undefined, detail: string): string {
  const shown = Array.isArray(value) ? `[${value.join(", ")}]` : value == null ? "null" : renderAtom(value);
  return `Invalid value ${shown} for configuration ${key}: ${detail}`;
}

function parseKey(name: string, key: ConfigKey, raw: string | null | undefined): ConfigAtom {
  if (raw === undefined || raw === null) {
    if ("default" in key)
      return key.type === "password" && typeof key.default === "string"
        ? new Password(key.default)
        : (key.default ?? null);
    throw new ConfigError(name, `Missing required configuration "${name}" which has no default value.`, {
      code: "CONFIG_MISSING",
    });
  }
  return parseText(name, key.type, raw);
}

const INTEGER_RANGES = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

function parseText(name: string, type: ConfigType, raw: string): ConfigAtom {
  const text = raw.trim();
  switch (type) {
    case "string":
    case "class":
      return text;
    case "password":
      return new Password(text);
    case "boolean": {
      const lower = text.toLowerCase();
      if (lower === "true" || lower === "false") return lower === "true";
      throw new ConfigError(name, invalidValue(name, text, "Expected value to be either true or false"));
    }
    case "list":
      return text === "" ? [] : text.split(/\s*,\s*/);
    case "double": {
      const value = Number(text.replace(/^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]$/, "$1"));
      if (text !== "" && (!Number.isNaN(value) || text === "NaN") && !/^[+-]?0[xob]/i.test(text)) return value;
      throw new ConfigError(name, invalidValue(name, text, "Not a number of type DOUBLE"));
    }
    default: {
      if (/^[+-]?\d+$/.test(text)) {
        const value = BigInt(text.replace(/^\+/, ""));
        const [low, high] = INTEGER_RANGES[type];
        if (value >= low && value <= high) return Number(value);
      }
      throw new ConfigError(name, invalidValue(name, text, `Not a number of type ${type.toUpperCase()}`));
    }
  }
}
