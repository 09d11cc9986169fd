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
  readonly #projections = new PerSchema((schema) =>
    Projection.withAttributes(schema, this.#changes, this.#replacesNull),
  );
  readonly #schemas = new PerSchema((schema) => withAttributes(schema, this.#changes));

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
    if (!(value instanceof Struct)) return this.part.replaced(record, this.#schemas.of(schema), value);
    const projection = this.#projections.of(schema);
    return this.part.replaced(record, projection.schema, projection.of(value));
  }
}
