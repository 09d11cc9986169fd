import {
  type ConfigCheck,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Header,
  invalidValue,
  type Props,
  parseConfig,
  type Schema,
  STRING,
  Struct,
  type Transformation,
} from "../../api/index.js";
import { ExtractField } from "../kafka/extract-field.js";
import { InsertField } from "../kafka/insert-field.js";
import { ReplaceField } from "../kafka/replace-field.js";
import { REPLACE_NULL } from "../record/null-default.js";
import { PerSchema } from "../record/per-schema.js";
import { Projection } from "../record/projection.js";
import { KEY, type RecordPart, VALUE } from "../record/record-part.js";
import { schemaBasics } from "../record/schema-basics.js";
import { changeEvent } from "./envelope.js";
import { type FieldReference, type FoundField, findField, parseReferences } from "./field-reference.js";

const MODES = ["drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone"];

const isMode: ConfigCheck = (key, value) =>
  MODES.includes(String(value).trim().toLowerCase())
    ? undefined
    : invalidValue(key, value, `Value must be one of ${MODES.join(", ")}`);

const CONFIG = {
  "delete.tombstone.handling.mode": {
    type: "string",
    default: "tombstone",
    importance: "medium",
    width: "medium",
    order: 1,
    displayName: "Handle delete and tombstone records",
    check: isMode,
    doc: "What becomes of deletes and their tombstones: `drop` both; `tombstone` makes a null value of the delete; `rewrite` makes the old row of it, with a field `__deleted`; `rewrite-with-tombstone` keeps the tombstone, too; `delete-to-tombstone` makes a tombstone of the delete.",
  },
  "route.by.field": {
    type: "string",
    default: "",
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Route by field name",
    doc: "The column whose value becomes the topic.",
  },
  "add.fields.prefix": {
    type: "string",
    default: "__",
    importance: "low",
    width: "short",
    order: 1,
    displayName: "Field prefix to be added to each field.",
    doc: "What stands before the names of add.fields.",
  },
  "add.fields": {
    type: "list",
    default: [],
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Adds the specified field(s) to the message if they exist.",
    doc: "Fields of the event that the row gets, as `[struct.]field[:name]`: `op,source.ts_ms:when`.",
  },
  "add.headers.prefix": {
    type: "string",
    default: "__",
    importance: "low",
    width: "short",
    order: 1,
    displayName: "Header prefix to be added to each header.",
    doc: "What stands before the names of add.headers.",
  },
  "add.headers": {
    type: "list",
    default: [],
    importance: "low",
    width: "long",
    order: 1,
    displayName: "Adds the specified fields to the header if they exist.",
    doc: "Fields of the event that become headers, as `[struct.]field[:name]`.",
  },
  "drop.fields.header.name": {
    type: "string",
    default: null,
    importance: "low",
    width: "short",
    order: 1,
    displayName: "Specifies a header that contains a list of field names to be removed",
    doc: "A header with the names of the fields to remove.",
  },
  "drop.fields.from.key": {
    type: "boolean",
    default: false,
    importance: "low",
    width: "short",
    order: 1,
    displayName: "Specifies whether the fields to be dropped should also be omitted from the key",
    doc: "Whether those fields are removed from the key, too.",
  },
  "drop.fields.keep.schema.compatible": {
    type: "boolean",
    default: true,
    importance: "low",
    width: "short",
    order: 1,
    displayName: "Specifies if fields are dropped, will the event's schemas be compatible",
    doc: "Whether only optional fields are removed.",
  },
} as const;

/** Headers may list ever new sets of fields. */
const MOST_DROPPERS = 64;

/** The fields that rows of one schema get from their events. */
interface Additions {
  readonly projection: Projection;
  readonly fields: readonly FoundField[];
}

/** Makes the row of a change event: the state after the change, `io.debezium.transforms.ExtractNewRecordState`. */
export class ExtractNewRecordState implements Transformation {
  readonly config = CONFIG;
  readonly #before = new ExtractField(VALUE);
  readonly #after = new ExtractField(VALUE);
  readonly #marksDeleted = new InsertField(VALUE);
  readonly #marksLive = new InsertField(VALUE);
  #mode = "";
  #routeField = "";
  #fields: readonly FieldReference[] = [];
  #headers: readonly FieldReference[] = [];
  #dropHeader: string | null = null;
  #dropsFromKey = false;
  #dropsOptionalOnly = true;
  readonly #foundHeaders = new PerSchema((event) => found(this.#headers, event));
  readonly #additions = new PerSchema((event) => new PerSchema((row) => additions(found(this.#fields, event), row)));
  /** By the fields to drop, as the header lists them. */
  readonly #droppers = new Map<string, ReplaceField>();

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    const replacesNull = String(parseConfig(REPLACE_NULL, props)["replace.null.with.default"]);
    this.#mode = values["delete.tombstone.handling.mode"].trim().toLowerCase();
    this.#routeField = values["route.by.field"];
    this.#fields = parseReferences("add.fields", values["add.fields"], values["add.fields.prefix"]);
    this.#headers = parseReferences("add.headers", values["add.headers"], values["add.headers.prefix"]);
    this.#dropHeader = values["drop.fields.header.name"];
    this.#dropsFromKey = values["drop.fields.from.key"];
    this.#dropsOptionalOnly = values["drop.fields.keep.schema.compatible"];
    this.#before.configure({ field: "before" });
    this.#after.configure({ field: "after" });
    const mark = { "static.field": "__deleted", "replace.null.with.default": replacesNull };
    this.#marksDeleted.configure({ ...mark, "static.value": "true" });
    this.#marksLive.configure({ ...mark, "static.value": "false" });
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    if (record.value === null) return this.#tombstone(record);
    const event = changeEvent(record);
    if (!event) return record;
    const headers = this.#foundHeaders
      .of(event.schema)
      .map(({ name, schema, value }) => ({ key: name, schema, value: value(event) }));
    const whole = withHeaders(record, headers);
    if (part(event, "after") !== null) return this.#changed(whole, event);
    return part(event, "before") === null ? null : this.#deleted(whole, event);
  }

  /** Its only header is the operation. */
  #tombstone(record: ConnectRecord): ConnectRecord | null {
    if (this.#mode !== "rewrite-with-tombstone") return null;
    const headers = this.#headers
      .filter(({ field }) => field === "op")
      .map(({ name }) => ({ key: name, schema: STRING, value: "d" }));
    return withHeaders(record, headers);
  }

  #changed(record: ConnectRecord, event: Struct): ConnectRecord {
    const row = this.#after.apply(record);
    const marked = this.#mode.startsWith("rewrite") ? this.#marksLive.apply(row) : row;
    return this.#dropped(this.#extended(this.#routed(marked, marked.value), event));
  }

  #deleted(record: ConnectRecord, event: Struct): ConnectRecord | null {
    if (this.#mode === "drop") return null;
    const old = part(event, "before");
    if (this.#mode === "delete-to-tombstone")
      return this.#dropped(this.#routed(record.with({ valueSchema: null, value: null }), old));
    if (this.#mode === "tombstone") return this.#dropped(this.#routed(this.#after.apply(record), old));
    const row = this.#routed(this.#marksDeleted.apply(this.#before.apply(record)), old);
    return this.#extended(this.#dropped(row), event);
  }

  #routed(record: ConnectRecord, row: ConnectValue): ConnectRecord {
    if (this.#routeField === "" || !(row instanceof Struct)) return record;
    const field = row.schema.field(this.#routeField);
    if (!field)
      throw new DataError("VALUE_INVALID", `The row has no field ${this.#routeField}, which route.by.field names`);
    const topic = row.at(field.index);
    return typeof topic === "string" && topic.trim() !== "" ? record.with({ topic }) : record;
  }

  #extended(record: ConnectRecord, event: Struct): ConnectRecord {
    const row = record.value;
    if (!(row instanceof Struct)) return record;
    const { projection, fields } = this.#additions.of(event.schema).of(row.schema);
    const added = fields.map(({ value }) => value(event));
    return record.with({ valueSchema: projection.schema, value: projection.of(row, added) });
  }

  #dropped(record: ConnectRecord): ConnectRecord {
    if (this.#dropHeader === null) return record;
    const names = record.headers.find(({ key }) => key === this.#dropHeader)?.value;
    if (!Array.isArray(names)) return record;
    const fromValue = this.#without(VALUE, record, names);
    return this.#dropsFromKey ? this.#without(KEY, fromValue, names) : fromValue;
  }

  #without(of: RecordPart, record: ConnectRecord, names: readonly string[]): ConnectRecord {
    const schema = of.schema(record);
    const dropped = (schema?.fields ?? [])
      .filter(({ name, schema: field }) => names.includes(name) && (field.optional || !this.#dropsOptionalOnly))
      .map(({ name }) => name);
    if (dropped.length === 0) return record;
    const exclude = dropped.join(",");
    const known = this.#droppers.get(of.name + exclude);
    const dropper = known ?? new ReplaceField(of);
    if (!known) {
      dropper.configure({ exclude });
      if (this.#droppers.size >= MOST_DROPPERS) this.#droppers.clear();
      this.#droppers.set(of.name + exclude, dropper);
    }
    return dropper.apply(record);
  }
}

/** The row before or after the change. */
function part(event: Struct, name: "before" | "after"): ConnectValue {
  const field = event.schema.field(name);
  return field ? event.at(field.index) : null;
}

function found(references: readonly FieldReference[], event: Schema): readonly FoundField[] {
  return references.flatMap((reference) => findField(reference, event) ?? []);
}

function additions(fields: readonly FoundField[], row: Schema): Additions {
  const all = [
    ...row.fields.map(({ name, schema, index }) => ({ name, schema, from: index })),
    ...fields.map(({ name, schema }) => ({ name, schema, from: undefined })),
  ];
  return { projection: Projection.ofFields(all, schemaBasics(row), row, false), fields };
}

function withHeaders(record: ConnectRecord, headers: readonly Header[]): ConnectRecord {
  return headers.length === 0 ? record : record.with({ headers: [...record.headers, ...headers] });
}
