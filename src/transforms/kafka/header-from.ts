import {
  ConfigError,
  type ConnectRecord,
  DataError,
  type Header,
  oneOf,
  type Props,
  parseConfig,
  type Schema,
  type Transformation,
} from "../../api/index.js";
import { hashMap } from "../record/hash-map.js";
import { nonEmptyList } from "../record/list-checks.js";
import { fieldValue, REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import type { RecordPart } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { requireMap, requireStruct } from "../record/value-shape.js";

const CONFIG = {
  fields: {
    type: "list",
    importance: "high",
    check: nonEmptyList,
    doc: "The fields that are copied or moved to headers.",
  },
  headers: {
    type: "list",
    importance: "high",
    check: nonEmptyList,
    doc: "The names of the headers, in the order of fields.",
  },
  operation: {
    type: "string",
    importance: "high",
    check: oneOf("move", "copy"),
    doc: "`copy` keeps the fields, `move` removes them.",
  },
  ...REPLACE_NULL,
} as const;

/** Copies or moves fields to headers (KIP-145). */
export class HeaderFrom implements Transformation {
  readonly config = CONFIG;
  #fields: readonly string[] = [];
  #headers: readonly string[] = [];
  #moves = false;
  #purpose = "";
  #replacesNull = true;
  readonly #remainders = new PerSchema((schema) => this.#remainderOf(schema));

  constructor(private readonly part: RecordPart) {}

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#fields = values.fields;
    this.#headers = values.headers;
    this.#moves = values.operation === "move";
    this.#purpose = `header ${values.operation}`;
    this.#replacesNull = values["replace.null.with.default"];
    if (this.#fields.length !== this.#headers.length)
      throw new ConfigError("fields", "'fields' config must have the same number of elements as 'headers' config.");
  }

  apply(record: ConnectRecord): ConnectRecord {
    const schema = this.part.schema(record);
    return schema ? this.#ofStruct(record, schema) : this.#ofMap(record);
  }

  #ofMap(record: ConnectRecord): ConnectRecord {
    const map = requireMap(this.part.value(record), this.#purpose);
    const added = this.#fields.map((name, at) => this.#header(at, null, map.get(name) ?? null));
    const headers = [...record.headers, ...added];
    if (!this.#moves) return record.with({ headers });
    const rest = hashMap(
      [...map].filter(([name]) => !this.#fields.includes(name as string)),
      // Java removes the fields from a copy of the whole map.
      map.size / 0.75 + 1,
    );
    return this.part.replaced(record, null, rest).with({ headers });
  }

  #ofStruct(record: ConnectRecord, schema: Schema): ConnectRecord {
    const struct = requireStruct(schema, this.part.value(record), this.#purpose);
    const added = this.#fields.map((name, at) => {
      const field = struct.schema.field(name);
      if (!field)
        throw new DataError(
          "VALUE_INVALID",
          `Field ${name} of HeaderFrom's fields does not exist in the ${this.part.name.toLowerCase()}'s schema`,
        );
      return this.#header(at, field.schema, fieldValue(struct, field.index, this.#replacesNull));
    });
    const headers = [...record.headers, ...added];
    if (!this.#moves) return record.with({ headers });
    const rest = this.#remainders.of(struct.schema);
    return this.part.replaced(record, rest.schema, rest.of(struct)).with({ headers });
  }

  #header(at: number, schema: Schema | null, value: Header["value"]): Header {
    return { key: this.#headers[at]!, schema, value };
  }

  #remainderOf(schema: Schema): Projection {
    const kept = schema.fields.filter(({ name }) => !this.#fields.includes(name));
    return Projection.ofFields(
      kept.map(({ name, schema: field, index }) => ({ name, schema: field, from: index })),
      schemaBasics(schema),
      schema,
      this.#replacesNull,
    );
  }
}
