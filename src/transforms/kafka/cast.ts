import {
  type ConfigCheck,
  ConfigError,
  type ConnectRecord,
  invalidValue,
  LOGICAL,
  type Props,
  parseConfig,
  primitive,
  type Schema,
  type SchemaAttributes,
  type Transformation,
} from "../../api/index.js";
import { changedMap } from "../record/hash-map.js";
import { fieldValue, REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { requireMap, requireStruct } from "../record/value-shape.js";
import { CAST_TYPES, type CastType, castValue } from "./cast-value.js";

const isSpec: ConfigCheck = (key, value) => {
  const spec = parseSpec(key, (value ?? []) as readonly string[]);
  return typeof spec === "string" ? spec : undefined;
};

const CONFIG = {
  spec: {
    type: "list",
    importance: "high",
    check: isSpec,
    doc: "The fields with their new types, `field:type,…`, or one type for the whole key or value. Types are int8, int16, int32, int64, float32, float64, boolean and string. Bytes can only become a string.",
  },
  ...REPLACE_NULL,
} as const;
const LOGICAL_NAMES: ReadonlySet<string> = new Set(Object.values(LOGICAL));
const PURPOSE = "cast types";

/** Casts fields, or the whole key or value, to other types. */
export class Cast implements Transformation {
  readonly config = CONFIG;
  #spec: Spec = { whole: undefined, fields: new Map() };
  #replacesNull = true;
  readonly #wholes = new PerSchema((schema) => this.#wholeOf(schema));
  readonly #plans = new PerSchema((schema) => this.#planOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    const spec = parseSpec("spec", values.spec);
    if (typeof spec === "string") throw new ConfigError("spec", spec);
    this.#spec = spec;
    this.#replacesNull = values["replace.null.with.default"];
  }

  apply(record: ConnectRecord): ConnectRecord {
    const value = this.part.value(record);
    if (value === null) return record;
    const schema = this.part.schema(record);
    const { whole, fields } = this.#spec;
    if (whole)
      return this.part.replaced(
        record,
        schema && this.#wholes.of(schema),
        castValue(schema, value, whole, `the ${this.part.name.toLowerCase()}`),
      );
    if (!schema) {
      const map = requireMap(value, PURPOSE);
      const changes = [...fields].map(
        ([name, type]) => [name, castValue(null, map.get(name) ?? null, type, `field ${name}`)] as const,
      );
      return this.part.replaced(record, null, changedMap(map, changes));
    }
    const struct = requireStruct(schema, value, PURPOSE);
    const { projection, casts } = this.#plans.of(struct.schema);
    const added = casts.map(({ index, schema: field, type, subject }) =>
      castValue(field, fieldValue(struct, index, this.#replacesNull), type, subject),
    );
    return this.part.replaced(record, projection.schema, projection.of(struct, added));
  }

  #wholeOf(schema: Schema): Schema {
    // The name of a date or decimal is untrue of another type, and converters would go by it.
    const basics = LOGICAL_NAMES.has(schema.name ?? "") ? {} : schemaBasics(schema);
    return castSchema(schema, this.#spec.whole!, basics, "the default");
  }

  #planOf(schema: Schema): Plan {
    const { optional, hasDefault, defaultValue } = schema;
    const casts = schema.fields.flatMap(({ name, index, schema: field }) => {
      const type = this.#spec.fields.get(name);
      return type ? [{ index, schema: field, type, subject: `field ${name}` }] : [];
    });
    const fields = schema.fields.map(({ name, schema: field, index }) => {
      const cast = casts.find((candidate) => candidate.index === index);
      return cast
        ? { name, schema: castSchema(field, cast.type, {}, `the default of field ${name}`), from: undefined }
        : { name, schema: field, from: index };
    });
    const attributes = { ...schemaBasics(schema), optional, ...(hasDefault && { defaultValue }) };
    return { projection: Projection.ofFields(fields, attributes, schema, this.#replacesNull), casts };
  }
}

/** The casts of one schema's fields. */
interface Plan {
  readonly projection: Projection;
  /** In the order of the fields. */
  readonly casts: readonly {
    readonly index: number;
    readonly schema: Schema;
    readonly type: CastType;
    /** For errors. */
    readonly subject: string;
  }[];
}

function castSchema(schema: Schema, type: CastType, basics: SchemaAttributes, subject: string): Schema {
  const { optional, hasDefault, defaultValue } = schema;
  return primitive(type, {
    ...basics,
    optional,
    ...(hasDefault && { defaultValue: castValue(schema, defaultValue as never, type, subject) }),
  });
}

interface Spec {
  readonly whole: CastType | undefined;
  readonly fields: ReadonlyMap<string, CastType>;
}

const OTHER_TYPES = ["array", "map", "struct", "bytes"];

/** @returns the spec, or what is wrong with it. */
function parseSpec(key: string, items: readonly string[]): Spec | string {
  if (items.length === 0) return "Must specify at least one field to cast.";
  const fields = new Map<string, CastType>();
  let whole: CastType | undefined;
  for (const item of items) {
    const parts = item.split(":");
    if (parts.length > 2) return invalidValue(key, `[${items.join(", ")}]`, `Invalid mapping: ${item}`);
    const text = parts.at(-1)!.trim();
    const type = text.toLowerCase();
    if (OTHER_TYPES.includes(type))
      return `Cast transformation does not support casting to ${text.toUpperCase()}; supported types are [${CAST_TYPES.join(", ").toUpperCase()}]`;
    if (!isCastType(type)) return invalidValue(key, item, `Invalid type found in casting spec: ${text}`);
    if (parts.length === 1) whole = type;
    else fields.set(parts[0]!.trim(), type);
  }
  if (whole && items.length > 1)
    return "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec";
  return { whole, fields };
}

function isCastType(text: string): text is CastType {
  return CAST_TYPES.includes(text as CastType);
}
