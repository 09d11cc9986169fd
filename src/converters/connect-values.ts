import {
  BOOLEAN,
  type ConnectValue,
  DataError,
  encodeUnscaled,
  FLOAT32,
  FLOAT64,
  INT8,
  INT16,
  INT32,
  INT64,
  LOGICAL,
  parseDecimal,
  primitive,
  Schema,
  type SchemaAndValue,
  STRING,
} from "../api/index.js";
import { sameSchema } from "../api/values/schema-equality.js";

const NULL: SchemaAndValue = { schema: null, value: null };
const DATE = primitive("int32", { name: LOGICAL.date, version: 1 });
const TIME = primitive("int32", { name: LOGICAL.time, version: 1 });
const TIMESTAMP = primitive("int64", { name: LOGICAL.timestamp, version: 1 });
const WIDENING: readonly Schema[] = [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64];
const DAY_MS = 86_400_000;
// As in Connect, blanks may follow a date, but no time.
const TEMPORAL = /\d{4}-\d\d-\d\d(?![\w.:-])|(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d{3}Z(?=[:,{}[\]"]|$)/y;
const TEMPORAL_PARTS = /^(?:(\d{4})-(\d\d)-(\d\d))?(T)?(?:(\d\d):(\d\d):(\d\d)\.(\d{3})Z)?$/;
const DELIMITERS = ':,{}[]"';

/** A parsed item, and what stands for it in a list or map whose items have no common schema. */
interface Item extends SchemaAndValue {
  readonly plain?: ConnectValue;
}

/**
 * Guesses the value of a text, as Connect's `Values.parseString` does: null, boolean, the smallest number type that
 * holds it, a date or time, an array or map of these, or else the text itself, of which no part is lost. Times are UTC, as
 * their Z means; Connect uses the worker's own zone.
 */
export function parseValue(text: string | null): SchemaAndValue {
  if (text === null) return NULL;
  const parsed = new ValueParser(text).parseWhole();
  return parsed ? { schema: parsed.schema, value: parsed.value } : { schema: STRING, value: text };
}

/** Every method returns undefined if the text does not have its form; the whole text is then a plain string. */
class ValueParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parseWhole(): Item | undefined {
    if (this.#text.trim() === "") return undefined;
    const parsed = this.#value(0);
    this.#skipBlanks();
    return this.#at === this.#text.length && parsed?.value !== this.#text ? parsed : undefined;
  }

  #value(depth: number): Item | undefined {
    this.#skipBlanks();
    const c = this.#text[this.#at];
    if (c === "[" || c === "{") {
      if (depth > 100) return undefined;
      return c === "[" ? this.#array(depth + 1) : this.#map(depth + 1);
    }
    if (c === '"') return depth === 0 ? undefined : this.#quoted();
    TEMPORAL.lastIndex = this.#at;
    const temporal = TEMPORAL.exec(this.#text)?.[0];
    const found = temporal === undefined ? undefined : parseTemporal(temporal);
    if (temporal !== undefined && found) {
      this.#at += temporal.length;
      return found;
    }
    return scalarOf(this.#token());
  }

  #array(depth: number): Item | undefined {
    const items: Item[] = [];
    this.#at++;
    while (!this.#take("]")) {
      const item = this.#value(depth);
      if (!item) return undefined;
      items.push(item);
      if (!this.#take(",") && this.#text[this.#at] !== "]") return undefined;
    }
    const merged = mergeSchemas(items);
    if (merged && hasNull(items)) return undefined;
    return {
      schema: new Schema("array", {}, [], undefined, merged),
      value: items.map((item) => itemValue(item, merged)),
      plain: items.map((item) => itemValue(item, undefined)),
    };
  }

  #map(depth: number): Item | undefined {
    const keys: Item[] = [];
    const values: Item[] = [];
    this.#at++;
    while (!this.#take("}")) {
      const key = this.#value(depth);
      if (!key || key.value === null || !this.#take(":")) return undefined;
      const value = this.#value(depth);
      if (!value) return undefined;
      keys.push(key);
      values.push(value);
      this.#take(",");
    }
    const keySchema = mergeSchemas(keys);
    const valueSchema = keySchema && mergeSchemas(values);
    if (valueSchema && hasNull(values)) return undefined;
    const entries = (ofKeys: Schema | undefined, ofValues: Schema | undefined) =>
      new Map(keys.map((key, i) => [itemValue(key, ofKeys), itemValue(values[i]!, ofValues)] as const));
    return {
      schema: new Schema("map", {}, [], keySchema, valueSchema),
      value: entries(keySchema, valueSchema),
      plain: entries(undefined, undefined),
    };
  }

  #quoted(): Item | undefined {
    let content = "";
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const c = this.#text[at]!;
      if (c === '"') {
        this.#at = at + 1;
        return parseTemporal(content) ?? { schema: STRING, value: content };
      }
      // The writer escapes these two.
      const isEscape = c === "\\" && /["\\]/.test(this.#text[at + 1] ?? "");
      content += isEscape ? this.#text[++at] : c;
    }
    return undefined;
  }

  #token(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !DELIMITERS.includes(this.#text[this.#at]!)) this.#at++;
    return this.#text.slice(start, this.#at).trim();
  }

  #take(c: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}

function scalarOf(token: string): Item | undefined {
  if (token === "null") return NULL;
  if (token === "true" || token === "false") return { schema: BOOLEAN, value: token === "true" };
  return /^[-+\d]/.test(token) ? parseNumber(token) : undefined;
}

function parseNumber(token: string): Item | undefined {
  const number = parseDecimal(token);
  if (!number || Math.abs(number.scale) > 1000) return undefined;
  const { unscaled, scale } = number;
  const power = 10n ** BigInt(Math.abs(scale));
  if (scale <= 0 || unscaled % power === 0n) {
    const whole = scale <= 0 ? unscaled * power : unscaled / power;
    if (BigInt.asIntN(64, whole) === whole) return integerOf(whole);
  }
  const double = Number(token);
  if (scale !== 0 && Number.isFinite(Math.fround(double)))
    return { schema: FLOAT32, value: Math.fround(double), plain: double };
  if (scale !== 0 && Number.isFinite(double)) return { schema: FLOAT64, value: double };
  const schema = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: String(scale) } });
  return { schema, value: encodeUnscaled(unscaled), plain: token };
}

function integerOf(whole: bigint): SchemaAndValue {
  const value = Number(whole);
  const schema = [INT8, INT16, INT32].find((_, i) => BigInt.asIntN(8 << i, whole) === whole) ?? INT64;
  return { schema, value: Number.isSafeInteger(value) ? value : whole };
}

/**
 * A date, time or timestamp, in Connect's exact formats only. As there, the 31st of February is the 2nd of March; a time
 * of more than a day is none.
 */
function parseTemporal(text: string): Item | undefined {
  const [, year, month, day, hasBoth, ...time] = TEMPORAL_PARTS.exec(text) ?? [];
  const hasTime = time[0] !== undefined;
  if ((year === undefined && !hasTime) || (hasBoth !== undefined) !== (year !== undefined && hasTime)) return undefined;
  const [hours, minutes, seconds, millis] = time.map(Number);
  const ofDay = hasTime ? ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + millis! : 0;
  if (year === undefined) return ofDay < DAY_MS ? { schema: TIME, value: ofDay, plain: text } : undefined;
  // Not Date.UTC, which takes the year 24 for 1924.
  const midnight = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return hasTime
    ? { schema: TIMESTAMP, value: midnight + ofDay, plain: text }
    : { schema: DATE, value: midnight / DAY_MS, plain: text };
}

/** A schema for all values: their common one, or the widest if all are numbers; undefined if there is none. */
function mergeSchemas(values: readonly Item[]): Schema | undefined {
  let merged: Schema | undefined;
  for (const { schema } of values) {
    if (schema === null) continue;
    if (!merged || sameSchema(merged, schema)) {
      merged = schema;
      continue;
    }
    const one = WIDENING.indexOf(merged);
    const other = WIDENING.indexOf(schema);
    if (one < 0 || other < 0) return undefined;
    merged = WIDENING[Math.max(one, other)];
  }
  return merged;
}

/** With a common schema, which is not optional, the whole text is then a plain string. */
function hasNull(items: readonly Item[]): boolean {
  return items.some(({ value }) => value === null);
}

function itemValue({ value, plain }: Item, schema: Schema | undefined): ConnectValue {
  if (schema === undefined) return plain ?? value;
  return typeof value === "bigint" && (schema === FLOAT32 || schema === FLOAT64) ? Number(value) : value;
}

/** The error for a value without a text form. */
export function unprintable(className: string): DataError {
  return new DataError("VALUE_INVALID", `Failed to convert a value of class ${className} to a string`);
}
