import {
  ConfigError,
  type ConnectRecord,
  type Props,
  parseConfig,
  type Schema,
  type SchemaAttributes,
  Struct,
  type Transformation,
  withAttributes,
} from "../../api/index.js";
import { REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { requireSchema } from "../record/value-shape.js";

const CONFIG = {
  "schema.name": { type: "string", default: null, importance: "high", doc: "The schema's new name." },
  "schema.version": { type: "int", default: null, importance: "high", doc: "The schema's new version." },
  ...REPLACE_NULL,
} as const;

/** Sets the name and version of the schema. */
export class SetSchemaMetadata implements Transformation {
  readonly config = CONFIG;
  #changes: SchemaAttributes = {};
  #replacesNull = true;
  readonly #projections = new PerSchema((schema) => this.#projectionOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const { "schema.name": name, "schema.version": version, ...others } = parseConfig(CONFIG, props);
    if (name === null && version === null)
      throw new ConfigError("schema.name", "Neither schema name nor version configured");
    this.#changes = { ...(name !== null && { name }), ...(version !== null && { version }) };
    this.#replacesNull = others["replace.null.with.default"];
  }

  apply(record: ConnectRecord): ConnectRecord {
    const value = this.part.value(record);
    if (value === null && this.part.schema(record) === null) return record;
    const schema: Schema = requireSchema(this.part.schema(record), "updating schema metadata");
    const projection = this.#projections.of(schema);
    return this.part.replaced(record, projection.schema, value instanceof Struct ? projection.of(value) : value);
  }

  /** Of a schema of any type; only a struct has fields, and refers to its schema. */
  #projectionOf(schema: Schema): Projection {
    const froms = schema.fields.map(({ index }) => index);
    return new Projection(withAttributes(schema, this.#changes), froms, schema, this.#replacesNull);
  }
}
