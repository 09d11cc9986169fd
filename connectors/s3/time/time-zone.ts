const MINUTE_MS = 60_000;
/**
 * Offsets are looked up once per step: since 1972 nearly all changes fall on multiples of this. Those that do not
 * (Newfoundland's until 2011, at 00:01 local time) take effect with the next step. Earlier offsets are looked up each
 * time.
 */
const STEP_MS = 15 * MINUTE_MS;
const STEPPED_SINCE_MS = Date.UTC(1972, 0, 1);
const MAX_CACHED_OFFSETS = 50_000;

/**
 * A time zone by its id (`Europe/Berlin`, `UTC`) or offset (`+01:00`), with the arithmetic of Joda time that paths of
 * objects depend on. A local time is represented by the UTC time that reads the same, in milliseconds.
 */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat | undefined;
  readonly #fixedOffsetMs: number;
  readonly #cached = new Map<number, number>();
  #lastStep = Number.NaN;
  #lastOffsetMs = 0;

  private constructor(
    readonly id: string,
    fixedOffsetMs: number,
    format: Intl.DateTimeFormat | undefined,
  ) {
    this.#fixedOffsetMs = fixedOffsetMs;
    this.#format = format;
  }

  /** The zone, or undefined if no zone has that id. Ids are case-sensitive, like Joda's. */
  static of(id: string): TimeZone | undefined {
    const offset = /^([+-])(\d\d):?(\d\d)$/.exec(id);
    if (offset) {
      const [hours, minutes] = [Number(offset[2]), Number(offset[3])];
      if (hours > 23 || minutes > 59) return undefined;
      return new TimeZone(id, (offset[1] === "-" ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS, undefined);
    }
    if (["UTC", "GMT", "Z", "Etc/UTC", "Etc/GMT"].includes(id))
      return new TimeZone(id === "Z" ? "UTC" : id, 0, undefined);
    // Intl accepts any case and answers with its own id; a wrong case shows as an id that differs only in case.
    const format = formatOf(id);
    if (!format || (format.resolvedOptions().timeZone !== id && isOtherCase(format.resolvedOptions().timeZone, id)))
      return undefined;
    return new TimeZone(id, 0, format);
  }

  /** Local time minus UTC at that moment, in milliseconds. */
  offsetMs(utcMs: number): number {
    if (!this.#format) return this.#fixedOffsetMs;
    if (utcMs < STEPPED_SINCE_MS) return this.#lookUp(utcMs);
    const step = Math.floor(utcMs / STEP_MS);
    if (step === this.#lastStep) return this.#lastOffsetMs;
    let offsetMs = this.#cached.get(step);
    if (offsetMs === undefined) {
      offsetMs = this.#lookUp(step * STEP_MS);
      if (this.#cached.size >= MAX_CACHED_OFFSETS) this.#cached.clear();
      this.#cached.set(step, offsetMs);
    }
    this.#lastStep = step;
    this.#lastOffsetMs = offsetMs;
    return offsetMs;
  }

  toLocalMs(utcMs: number): number {
    return utcMs + this.offsetMs(utcMs);
  }

  /**
   * The moment of a local time. A time that the clocks skip counts as if they had not changed yet (02:30 becomes
   * 03:30). Of a time that occurs twice, the earlier counts west of Greenwich and the later east of it, as in Joda's
   * lenient conversion.
   */
  toUtcMs(localMs: number): number {
    const guessMs = this.offsetMs(localMs);
    let offsetMs = this.offsetMs(localMs - guessMs);
    if (offsetMs !== guessMs && guessMs < 0) {
      const [first, second] = [localMs - guessMs, localMs - offsetMs].sort((a, b) => a - b) as [number, number];
      if (this.offsetMs(first) !== this.offsetMs(second)) offsetMs = guessMs;
    }
    return localMs - offsetMs;
  }

  /** `+01:00` or, without the colon, `+0100`. */
  offsetText(utcMs: number, colon: string): string {
    const minutes = Math.round(this.offsetMs(utcMs) / MINUTE_MS);
    const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}${colon}${String(rest).padStart(2, "0")}`;
  }

  #lookUp(utcMs: number): number {
    const part: Record<string, number> = {};
    let era = "AD";
    for (const { type, value } of this.#format!.formatToParts(utcMs)) {
      if (type === "era") era = value;
      else part[type] = Number(value);
    }
    const year = era.startsWith("B") ? 1 - part["year"]! : part["year"]!;
    const local = new Date(0);
    local.setUTCFullYear(year, part["month"]! - 1, part["day"]!);
    local.setUTCHours(part["hour"]!, part["minute"]!, part["second"]!);
    return local.getTime() - Math.floor(utcMs / 1000) * 1000;
  }
}

function formatOf(id: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone: id,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isOtherCase(a: string, b: string): boolean {
  return a !== b && a.toLowerCase() === b.toLowerCase();
}
