import {
  type ConnectRecord,
  DataError,
  type Props,
  parseConfig,
  type Schema,
  type Transformation,
} from "../../api/index.js";
import { hashMap } from "../record/hash-map.js";
import { distinct } from "../record/list-checks.js";
import { REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import { requireMap, requireStruct } from "../record/value-shape.js";

const CONFIG = {
  fields: {
    type: "list",
    importance: "high",
    check: distinct(false),
    doc: "The fields of the value that make the key.",
  },
  ...REPLACE_NULL,
} as const;
const PURPOSE = "copying fields from value to key";

/** Makes the key of fields of the value. */
export class ValueToKey implements Transformation {
  readonly config = CONFIG;
  #fields: readonly string[] = [];
  #replacesNull = true;
  readonly #projections = new PerSchema((schema) => this.#projectionOf(schema));

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#fields = values.fields;
    this.#replacesNull = values["replace.null.with.default"];
  }

  apply(record: ConnectRecord): ConnectRecord {
    if (!record.valueSchema) {
      const map = requireMap(record.value, PURPOSE);
      const entries = this.#fields.map((name) => [name, map.get(name) ?? null] as const);
      return record.with({ keySchema: null, key: hashMap(entries, entries.length) });
    }
    const struct = requireStruct(record.valueSchema, record.value, PURPOSE);
    const projection = this.#projections.of(struct.schema);
    return record.with({ keySchema: projection.schema, key: projection.of(struct) });
  }

  #projectionOf(schema: Schema): Projection {
    const fields = this.#fields.map((name) => {
      const field = schema.field(name);
      if (!field) throw new DataError("VALUE_INVALID", `Field does not exist: ${name}`);
      return { name, schema: field.schema, from: field.index };
    });
    return Projection.ofFields(fields, {}, schema, this.#replacesNull);
  }
}
