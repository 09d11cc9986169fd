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
import { sameSchema } from "./schema-equality.js";

const NULL: SchemaAndValue = { schema: null, value: null };
const DATE = primitive("int32", { name: LOGICAL.date, version: 1 });
const TIME = primitive("int32", { name: LOGICAL.time, version: 1 });
const TIMESTAMP = primitive("int64", { name: LOGICAL.timestamp, version: 1 });
const WIDENING: readonly Schema[] = [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64];
const DAY_MS = 86_400_000;
const TEMPORAL = /\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d\.\d{3}Z)?(?![\w.])|\d\d:\d\d:\d\d\.\d{3}Z(?!\w)/y;
const DELIMITERS = ':,{}[]"';

/**
 * Guesses the value of a text, as Connect's `Values.parseString` does: null, boolean, the smallest number type that
 * holds it, a date or time, an array or map of these, or else the text itself. Times are UTC, as their Z means; Connect
 * uses the worker's own zone.
 */
export function parseValue(text: string | null): SchemaAndValue {
  if (text === null) return NULL;
  const parsed = new ValueParser(text).parseWhole();
  return parsed ?? { schema: STRING, value: text };
}

/** Every method returns undefined if the text does not have its form; the whole text is then a plain string. */
class ValueParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parseWhole(): SchemaAndValue | undefined {
    if (this.#text.trim() === "") return undefined;
    const parsed = this.#value(0);
    this.#skipBlanks();
    return this.#at === this.#text.length && parsed?.value !== this.#text ? parsed : undefined;
  }

  #value(depth: number): SchemaAndValue | undefined {
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

  #array(depth: number): SchemaAndValue | undefined {
    const items: SchemaAndValue[] = [];
    this.#at++;
    if (!this.#take("]")) {
      do {
        const item = this.#value(depth);
        if (!item) return undefined;
        items.push(item);
      } while (this.#take(","));
      if (!this.#take("]")) return undefined;
    }
    const merged = mergeSchemas(items);
    return {
      schema: new Schema("array", {}, [], undefined, merged),
      value: items.map((item) => widened(item.value, merged)),
    };
  }

  #map(depth: number): SchemaAndValue | undefined {
    const keys: SchemaAndValue[] = [];
    const values: SchemaAndValue[] = [];
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
    const entries = keys.map(
      (key, i) => [widened(key.value, keySchema), widened(values[i]!.value, valueSchema)] as const,
    );
    return { schema: new Schema("map", {}, [], keySchema, valueSchema), value: new Map(entries) };
  }

  #quoted(): SchemaAndValue | undefined {
    let content = "";
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const c = this.#text[at]!;
      if (c === '"') {
        this.#at = at + 1;
        return parseTemporal(content) ?? { schema: STRING, value: content };
      }
      content += c === "\\" && at + 1 < this.#text.length ? this.#text[++at] : c;
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

function scalarOf(token: string): SchemaAndValue | undefined {
  if (token === "null") return NULL;
  if (token === "true" || token === "false") return { schema: BOOLEAN, value: token === "true" };
  return /^[-+\d]/.test(token) ? parseNumber(token) : undefined;
}

function parseNumber(token: string): SchemaAndValue | undefined {
  const number = parseDecimal(token);
  if (!number || Math.abs(number.scale) > 1000) return undefined;
  const { unscaled, scale } = number;
  const power = 10n ** BigInt(Math.abs(scale));
  if (scale <= 0 || unscaled % power === 0n) {
    const whole = scale <= 0 ? unscaled * power : unscaled / power;
    if (BigInt.asIntN(64, whole) === whole) return integerOf(whole);
  }
  const double = Number(token);
  if (scale !== 0 && Number.isFinite(Math.fround(double))) return { schema: FLOAT32, value: Math.fround(double) };
  if (scale !== 0 && Number.isFinite(double)) return { schema: FLOAT64, value: double };
  const schema = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: String(scale) } });
  return { schema, value: encodeUnscaled(unscaled) };
}

function integerOf(whole: bigint): SchemaAndValue {
  const value = Number(whole);
  const schema = [INT8, INT16, INT32].find((_, i) => BigInt.asIntN(8 << i, whole) === whole) ?? INT64;
  return { schema, value: Number.isSafeInteger(value) ? value : whole };
}

/** A date, time or timestamp, in Connect's exact formats only. */
function parseTemporal(text: string): SchemaAndValue | undefined {
  const ms = Date.parse(text.length === 13 ? `1970-01-01T${text}` : text);
  if (Number.isNaN(ms)) return undefined;
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return { schema: DATE, value: ms / DAY_MS };
  if (/^\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return { schema: TIME, value: ms };
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return { schema: TIMESTAMP, value: ms };
  return undefined;
}

/** A schema for all values: their common one, or the widest if all are numbers; undefined if there is none. */
function mergeSchemas(values: readonly SchemaAndValue[]): Schema | undefined {
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

function widened(value: ConnectValue, schema: Schema | undefined): ConnectValue {
  return typeof value === "bigint" && (schema === FLOAT32 || schema === FLOAT64) ? Number(value) : value;
}

/** The error for a value without a text form. */
export function unprintable(className: string): DataError {
  return new DataError("VALUE_INVALID", `Failed to convert a value of class ${className} to a string`);
}
