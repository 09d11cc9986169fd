import {
  type ConnectRecord,
  DataError,
  type Props,
  parseConfig,
  type Schema,
  Struct,
  type Transformation,
} from "../../api/index.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import { requireStruct } from "../record/value-shape.js";
import { FIELD_NAMES, type FieldNaming, fieldNaming } from "./field-naming.js";
import { expandedPayload } from "./json-payload.js";

const MESSAGE = "io.debezium.connector.postgresql.MessageValue";

const CONFIG = {
  "fields.null.include": {
    type: "boolean",
    default: false,
    importance: "medium",
    width: "medium",
    order: 1,
    displayName: "Defines whether to include fields with null values to the decoded structure",
    doc: "Whether members that are null become fields, of type bytes.",
  },
} as const;

/**
 * Makes inserted rows of logical decoding messages whose content is a JSON object, so that the outbox's EventRouter takes
 * them: `io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent`.
 */
export class DecodeLogicalDecodingMessageContent implements Transformation {
  readonly config = CONFIG;
  #naming!: FieldNaming;
  #includesNull = false;
  /** By the message's schema and the content's. */
  readonly #events = new PerSchema((message) => new PerSchema((content) => eventOf(message, content)));

  configure(props: Props): void {
    this.#includesNull = parseConfig(CONFIG, props)["fields.null.include"];
    this.#naming = fieldNaming(parseConfig(FIELD_NAMES, props)["field.name.adjustment.mode"]);
  }

  apply(record: ConnectRecord): ConnectRecord {
    if (record.valueSchema?.name !== MESSAGE) return record;
    const value = requireStruct(record.valueSchema, record.value, "Retrieve a record value");
    const message = requireStruct(null, value.get("message"), "Retrieve content of a logical decoding message");
    const content = message.get("content");
    if (!Buffer.isBuffer(content))
      throw new DataError(
        "VALUE_INVALID",
        "The content of a logical decoding message is not binary: it is read with binary.handling.mode=bytes",
      );
    const after = expandedPayload(
      content.toString("utf8"),
      undefined,
      this.#includesNull ? "optional_bytes" : "ignore",
      this.#naming,
    );
    if (!(after.value instanceof Struct))
      throw new DataError("VALUE_INVALID", "The content of a logical decoding message is a JSON array, not an object");
    const event = this.#events.of(value.schema).of(after.schema);
    const added = value.schema.field("op") ? ["c", after.value] : [after.value];
    return record.with({ keySchema: null, key: null, valueSchema: event.schema, value: event.of(value, added) });
  }
}

/** The message's fields but `message`, and the content as the row after the change. */
function eventOf(message: Schema, content: Schema): Projection {
  const fields = message.fields
    .filter(({ name }) => name !== "message")
    .map(({ name, schema, index }) => ({ name, schema, from: name === "op" ? undefined : index }));
  const after = { name: "after", schema: content, from: undefined };
  return Projection.ofFields([...fields, after], { name: `${message.name}.Envelope` }, message, true);
}
