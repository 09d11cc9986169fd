import {
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Field,
  oneOfIgnoringCase,
  type Props,
  parseConfig,
  type Schema,
  type Transformation,
} from "../../api/index.js";
import { fieldPath } from "../record/field-path.js";
import { fieldValue, REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import type { RecordPart } from "../record/record-part.js";
import { requireMap, requireStruct } from "../record/value-shape.js";

const CONFIG = {
  field: { type: "string", importance: "medium", doc: "The field that becomes the key or value." },
  ...REPLACE_NULL,
  "field.syntax.version": {
    type: "string",
    default: "V1",
    importance: "high",
    check: oneOfIgnoringCase("V1", "V2"),
    doc: "How `field` is read: V1 is the name of a field; V2 a path into nested structs and maps, whose steps are separated by dots. Backticks around a step keep the dots of its name.",
  },
} as const;
const PURPOSE = "field extraction";
const NESTED = "nested field access";

/** Replaces the key or value by one of its fields. */
export class ExtractField implements Transformation {
  readonly config = CONFIG;
  #name = "";
  #steps: readonly string[] = [];
  #replacesNull = true;
  readonly #fields = new PerSchema((schema) => this.#fieldsOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#name = values.field;
    this.#steps =
      values["field.syntax.version"].toUpperCase() === "V2" ? fieldPath("field", values.field) : [values.field];
    this.#replacesNull = values["replace.null.with.default"];
  }

  apply(record: ConnectRecord): ConnectRecord {
    const schema = this.part.schema(record);
    const value = this.part.value(record);
    if (!schema) return this.part.replaced(record, null, this.#ofMap(value));
    if (value !== null) requireStruct(schema, value, PURPOSE);
    const fields = this.#fields.of(schema);
    return this.part.replaced(record, fields.at(-1)!.schema, this.#ofStruct(schema, fields, value));
  }

  #ofMap(whole: ConnectValue): ConnectValue {
    let value = whole;
    for (const [at, step] of this.#steps.entries()) {
      if (value === null) return null;
      value = requireMap(value, at === 0 ? PURPOSE : NESTED).get(step) ?? null;
    }
    return value;
  }

  #ofStruct(schema: Schema, fields: readonly Field[], whole: ConnectValue): ConnectValue {
    let value = whole;
    for (const { index } of fields) {
      if (value === null) return null;
      value = fieldValue(requireStruct(schema, value, NESTED), index, this.#replacesNull);
    }
    return value;
  }

  /** The fields along the path. */
  #fieldsOf(schema: Schema): readonly Field[] {
    const fields: Field[] = [];
    let parent = schema;
    for (const step of this.#steps) {
      if (parent.type !== "struct")
        throw new DataError("VALUE_INVALID", `Cannot look up fields on non-struct type: ${this.#name}`);
      const field = parent.field(step);
      if (!field) throw new DataError("VALUE_INVALID", `Unknown field: ${this.#name}`);
      fields.push(field);
      parent = field.schema;
    }
    return fields;
  }
}
