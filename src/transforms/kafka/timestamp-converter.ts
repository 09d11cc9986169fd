import {
  type Clock,
  ConfigError,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  INT64,
  LOGICAL,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  oneOf,
  type Props,
  parseConfig,
  primitive,
  type Schema,
  STRING,
  type Struct,
  type Transformation,
} from "../../api/index.js";
import { changedMap } from "../record/hash-map.js";
import { javaClass } from "../record/java-class.js";
import { fieldValue, REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { requireMap, requireStruct } from "../record/value-shape.js";
import { DAY_MS, dayAndTime } from "../time/day-and-time.js";
import { SimpleDateFormat } from "../time/simple-date-format.js";

const TARGETS = ["string", "unix", "Date", "Time", "Timestamp"] as const;
const PRECISIONS = ["nanoseconds", "microseconds", "milliseconds", "seconds"] as const;
type Target = (typeof TARGETS)[number];
type Precision = (typeof PRECISIONS)[number];

const CONFIG = {
  field: {
    type: "string",
    default: "",
    importance: "high",
    doc: "The field that holds the time; empty: the whole key or value does.",
  },
  "target.type": {
    type: "string",
    importance: "high",
    check: oneOf(...TARGETS),
    doc: "The form of the result: string, unix (a number), Date, Time or Timestamp.",
  },
  format: {
    type: "string",
    default: "",
    importance: "medium",
    doc: "How texts are written or read, a pattern of Java's SimpleDateFormat.",
  },
  "unix.precision": {
    type: "string",
    default: "milliseconds",
    importance: "low",
    check: oneOf(...PRECISIONS),
    doc: "The unit of numbers. Parts of milliseconds are lost.",
  },
  ...REPLACE_NULL,
} as const;
const PURPOSE = "converting timestamp formats";

function logical(type: "int32" | "int64", name: string): readonly [required: Schema, optional: Schema] {
  const attributes = { name, version: 1 };
  return [primitive(type, attributes), primitive(type, { ...attributes, optional: true })];
}

const SCHEMAS: Readonly<Record<Target, readonly [required: Schema, optional: Schema]>> = {
  string: [STRING, OPTIONAL_STRING],
  unix: [INT64, OPTIONAL_INT64],
  Date: logical("int32", LOGICAL.date),
  Time: logical("int32", LOGICAL.time),
  Timestamp: logical("int64", LOGICAL.timestamp),
};

/** Converts times between texts, numbers and Connect's types. */
export class TimestampConverter implements Transformation {
  readonly config = CONFIG;
  #field = "";
  #target: Target = "unix";
  #precision: Precision = "milliseconds";
  #format: SimpleDateFormat | undefined;
  #replacesNull = true;
  readonly #projections = new PerSchema((schema) => this.#projectionOf(schema));

  constructor(
    private readonly part: RecordPart,
    private readonly clock: Pick<Clock, "nowMs">,
  ) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#field = values.field;
    this.#target = values["target.type"] as Target;
    this.#precision = values["unix.precision"] as Precision;
    this.#replacesNull = values["replace.null.with.default"];
    if (values.format.trim() !== "") this.#format = new SimpleDateFormat("format", values.format, this.clock);
    if (this.#target !== "string") this.#format?.requireReadable();
    else if (!this.#format)
      throw new ConfigError(
        "format",
        "TimestampConverter requires format option to be specified when using string timestamps",
      );
  }

  apply(record: ConnectRecord): ConnectRecord {
    const schema = this.part.schema(record);
    const value = this.part.value(record);
    if (!schema) return this.part.replaced(record, null, this.#withoutSchema(value));
    if (this.#field === "") {
      this.#requireTime(schema);
      const changed = SCHEMAS[this.#target][schema.optional ? 1 : 0];
      return this.part.replaced(record, changed, this.#converted(schema, value));
    }
    const struct = value === null ? null : requireStruct(schema, value, PURPOSE);
    const projection = this.#projections.of(schema);
    return this.part.replaced(record, projection.schema, struct && this.#changed(projection, struct));
  }

  #withoutSchema(value: ConnectValue): ConnectValue {
    if (value === null || this.#field === "") return this.#converted(null, value);
    const map = requireMap(value, PURPOSE);
    return changedMap(map, [[this.#field, this.#converted(null, map.get(this.#field) ?? null)]]);
  }

  #changed(projection: Projection, struct: Struct): Struct {
    const field = struct.schema.field(this.#field);
    if (!field) return projection.of(struct);
    this.#requireTime(field.schema);
    return projection.of(struct, [this.#converted(field.schema, fieldValue(struct, field.index, this.#replacesNull))]);
  }

  #projectionOf(schema: Schema): Projection {
    if (schema.type !== "struct")
      throw new DataError(
        "VALUE_INVALID",
        `Only Struct objects supported for [${PURPOSE}], found a schema of ${schema.type}`,
      );
    const fields = schema.fields.map(({ name, schema: field, index }) =>
      name === this.#field
        ? { name, schema: SCHEMAS[this.#target][field.optional ? 1 : 0], from: undefined }
        : { name, schema: field, from: index },
    );
    const { optional, hasDefault, defaultValue } = schema;
    const attributes = { ...schemaBasics(schema), optional };
    const projection = Projection.ofFields(fields, attributes, schema, this.#replacesNull);
    if (!hasDefault || defaultValue === null) return projection;
    const changed = this.#changed(projection, defaultValue as Struct);
    return Projection.ofFields(fields, { ...attributes, defaultValue: changed }, schema, this.#replacesNull);
  }

  #converted(schema: Schema | null, value: ConnectValue): ConnectValue {
    if (value === null) return null;
    const ms = this.#msOf(schema, value);
    switch (this.#target) {
      case "string":
        return this.#format!.format(ms);
      case "unix":
        return fromMs(ms, this.#precision);
      case "Date": {
        const { epochDay } = dayAndTime(ms);
        // Without a schema, days and milliseconds look alike.
        return schema ? epochDay : epochDay * DAY_MS;
      }
      case "Time":
        return dayAndTime(ms).msOfDay;
      case "Timestamp":
        return ms;
    }
  }

  /** Milliseconds since 1970. */
  #msOf(schema: Schema | null, value: ConnectValue): number | bigint {
    switch (schema?.name) {
      case LOGICAL.date:
        return Number(value) * DAY_MS;
      case LOGICAL.time:
      case LOGICAL.timestamp:
        return value as number | bigint;
    }
    if (typeof value === "string") {
      if (this.#format) return this.#format.parse(value);
      throw new DataError("VALUE_INVALID", `${this.#subject()} is a text, so TimestampConverter needs its format`);
    }
    if (typeof value === "bigint" || (typeof value === "number" && (schema || Number.isSafeInteger(value))))
      return toMs(value, this.#precision);
    throw new DataError(
      "VALUE_INVALID",
      `TimestampConverter does not support class ${javaClass(schema, value)} objects as timestamps (${this.#subject()})`,
    );
  }

  /** @throws DataError also for a null of a type that is no time. */
  #requireTime({ type, name }: Schema): void {
    if (type === "string" || type === "int64" || name === LOGICAL.date || name === LOGICAL.time) return;
    throw new DataError(
      "VALUE_INVALID",
      `Schema ${name ?? type} does not correspond to a known timestamp type format (${this.#subject()})`,
    );
  }

  #subject(): string {
    return this.#field === "" ? `the ${this.part.name.toLowerCase()}` : `field ${this.#field}`;
  }
}

const MOST_INT64 = 2n ** 63n - 1n;

/** TimeUnit's conversion from milliseconds: down, towards zero; up, saturating. */
function fromMs(ms: number | bigint, precision: Precision): number | bigint {
  switch (precision) {
    case "seconds":
      return quotient(ms, 1000);
    case "milliseconds":
      return ms;
    case "microseconds":
      return product(ms, 1000n);
    case "nanoseconds":
      return product(ms, 1_000_000n);
  }
}

function toMs(value: number | bigint, precision: Precision): number | bigint {
  switch (precision) {
    case "seconds":
      return product(value, 1000n);
    case "milliseconds":
      return value;
    case "microseconds":
      return quotient(value, 1000);
    case "nanoseconds":
      return quotient(value, 1_000_000);
  }
}

function quotient(value: number | bigint, divisor: number): number | bigint {
  if (typeof value === "number") return Math.trunc(value / divisor) + 0;
  return shortest(value / BigInt(divisor));
}

function product(value: number | bigint, factor: bigint): number | bigint {
  const exact = BigInt(value) * factor;
  if (exact > MOST_INT64) return MOST_INT64;
  return exact < -MOST_INT64 - 1n ? -MOST_INT64 - 1n : shortest(exact);
}

function shortest(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
