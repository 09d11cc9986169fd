import {
  type ConnectRecord,
  type ConnectValue,
  DataError,
  decimalScale,
  encodeUnscaled,
  type Field,
  Float64,
  LOGICAL,
  nonEmpty,
  type Props,
  parseConfig,
  parseDecimal,
  type Schema,
  type Transformation,
} from "../../api/index.js";
import { changedMap } from "../record/hash-map.js";
import { javaClass } from "../record/java-class.js";
import { distinct } from "../record/list-checks.js";
import { fieldValue, REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { requireMap, requireStruct } from "../record/value-shape.js";

const CONFIG = {
  fields: { type: "list", importance: "high", check: distinct(false), doc: "The fields to mask." },
  replacement: {
    type: "string",
    default: null,
    importance: "low",
    check: nonEmpty,
    doc: "The text or number that replaces the values of all fields, which must be texts and numbers then. Otherwise they become empty, zero or false.",
  },
  ...REPLACE_NULL,
} as const;
const PURPOSE = "mask fields";

/** Replaces the values of fields by zero, an empty value, or a fixed one. */
export class MaskField implements Transformation {
  readonly config = CONFIG;
  #fields: ReadonlySet<string> = new Set();
  #replacement: string | null = null;
  #replacesNull = true;
  readonly #plans = new PerSchema((schema) => this.#planOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#fields = new Set(values.fields);
    this.#replacement = values.replacement;
    this.#replacesNull = values["replace.null.with.default"];
  }

  apply(record: ConnectRecord): ConnectRecord {
    const schema = this.part.schema(record);
    const value = this.part.value(record);
    if (!schema) {
      const map = requireMap(value, PURPOSE);
      const changes = [...this.#fields].map((name) => [name, this.#masked(name, null, map.get(name) ?? null)] as const);
      return this.part.replaced(record, null, changedMap(map, changes));
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const { projection, masked } = this.#plans.of(struct.schema);
    const added = masked.map(({ name, schema: field, index }) =>
      this.#masked(name, field, fieldValue(struct, index, this.#replacesNull)),
    );
    return this.part.replaced(record, schema, projection.of(struct, added));
  }

  #planOf(schema: Schema): { readonly projection: Projection; readonly masked: readonly Field[] } {
    const masked = schema.fields.filter(({ name }) => this.#fields.has(name));
    const froms = schema.fields.map((field) => (masked.includes(field) ? undefined : field.index));
    return { projection: new Projection(schema, froms, schema, this.#replacesNull), masked };
  }

  #masked(name: string, schema: Schema | null, value: ConnectValue): ConnectValue {
    if (value === null) return null;
    return this.#replacement === null ? zero(name, schema, value) : replaced(name, schema, value, this.#replacement);
  }
}

function zero(name: string, schema: Schema | null, value: ConnectValue): ConnectValue {
  switch (typeof value) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "bigint":
      return 0;
    case "number":
      return schema || Number.isSafeInteger(value) ? 0 : new Float64(0);
  }
  if (value instanceof Float64) return new Float64(0);
  if (schema?.name === LOGICAL.decimal) return encodeUnscaled(0);
  if (Array.isArray(value)) return [];
  if (value instanceof Map) return new Map();
  throw new DataError("VALUE_INVALID", `Cannot mask field ${name}, a value of type: class ${javaClass(schema, value)}`);
}

function replaced(name: string, schema: Schema | null, value: ConnectValue, text: string): ConnectValue {
  const className = javaClass(schema, value);
  switch (className) {
    case "java.lang.String":
      return text;
    case "java.lang.Byte":
      return integer(name, text, 8);
    case "java.lang.Short":
      return integer(name, text, 16);
    case "java.lang.Integer":
      return integer(name, text, 32);
    case "java.lang.Long":
      return integer(name, text, 64);
    case "java.lang.Float":
      return Math.fround(Number(javaNumber(name, text)));
    case "java.lang.Double": {
      const double = Number(javaNumber(name, text));
      return schema || !Number.isInteger(double) ? double : new Float64(double);
    }
    case "java.math.BigDecimal":
      return decimal(name, text, decimalScale(schema!));
  }
  throw new DataError(
    "VALUE_INVALID",
    `Cannot mask field ${name}, a value of type class ${className}, with custom replacement.`,
  );
}

function integer(name: string, text: string, bits: number): number | bigint {
  const { unscaled, scale } = parsed(name, text);
  const power = 10n ** BigInt(Math.abs(scale));
  const value = BigInt.asIntN(bits, scale > 0 ? unscaled / power : unscaled * power);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function decimal(name: string, text: string, scale: number): Buffer {
  const number = parsed(name, text);
  const shift = scale - number.scale;
  const power = 10n ** BigInt(Math.abs(shift));
  if (shift < 0 && number.unscaled % power !== 0n)
    throw new DataError(
      "VALUE_INVALID",
      `MaskField's replacement has more decimal places than field ${name}: ${scale}`,
    );
  return encodeUnscaled(shift < 0 ? number.unscaled / power : number.unscaled * power);
}

function javaNumber(name: string, text: string): string {
  parsed(name, text);
  return text;
}

function parsed(name: string, text: string) {
  const number = parseDecimal(text);
  if (number && Math.abs(number.scale) <= 1000) return number;
  throw new DataError("VALUE_INVALID", `Unable to convert MaskField's replacement to number, for field ${name}`);
}
