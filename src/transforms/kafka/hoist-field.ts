import {
  ArrayStruct,
  type ConnectRecord,
  DataError,
  type Props,
  parseConfig,
  structOf,
  type Transformation,
} from "../../api/index.js";
import { PerSchema } from "../record/per-schema.js";
import type { RecordPart } from "../record/record-part.js";

const CONFIG = {
  field: { type: "string", importance: "medium", doc: "The name of the only field of the resulting struct or map." },
} as const;

/** Puts the whole key or value into a struct or map of one field. */
export class HoistField implements Transformation {
  readonly config = CONFIG;
  #field = "";
  readonly #schemas = new PerSchema((schema) => structOf([[this.#field, schema]]));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    this.#field = parseConfig(CONFIG, props).field;
  }

  apply(record: ConnectRecord): ConnectRecord {
    const schema = this.part.schema(record);
    const value = this.part.value(record);
    if (!schema) return this.part.replaced(record, null, new Map([[this.#field, value]]));
    if (value === null && !schema.optional && !schema.hasDefault)
      throw new DataError(
        "VALUE_INVALID",
        `Invalid value: null used for required field: "${this.#field}", schema type: ${schema.type.toUpperCase()}`,
      );
    const hoisted = this.#schemas.of(schema);
    return this.part.replaced(record, hoisted, new ArrayStruct(hoisted, [value]));
  }
}
