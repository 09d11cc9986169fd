import {
  ArrayStruct,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Field,
  javaReplacer,
  type Logger,
  type Props,
  parseConfig,
  type Schema,
  STRING,
  type Struct,
  structOf,
  type Transformation,
  type TransformationContext,
} from "../../api/index.js";
import { PerSchema } from "../record/per-schema.js";
import { requireStruct } from "../record/value-shape.js";
import { changeEvent } from "./envelope.js";
import { FIELD_NAMES, type FieldNaming, fieldNaming } from "./field-naming.js";
import { expandedPayload, type NullBehavior } from "./json-payload.js";
import { OUTBOX_CONFIG, type Placement, parsePlacements } from "./outbox-config.js";

/** Nanoseconds, microseconds and milliseconds of Debezium's times, in one millisecond. */
const PER_MS: Readonly<Record<string, number>> = {
  "io.debezium.time.Timestamp": 1,
  "io.debezium.time.MicroTimestamp": 1_000,
  "io.debezium.time.NanoTimestamp": 1_000_000,
};

interface Settings {
  readonly id: string;
  readonly key: string;
  readonly payload: string;
  readonly timestamp: string | null;
  readonly version: string | null;
  readonly routeBy: string;
  readonly placements: readonly Placement[];
  readonly ignoresMissing: boolean;
  readonly onUpdate: string;
  readonly expandsJson: boolean;
  readonly nulls: NullBehavior;
  readonly naming: FieldNaming;
  /** Whether an empty payload becomes a tombstone. */
  readonly hasTombstones: boolean;
}

/** An additional column of one row. */
interface Placed {
  readonly placement: Placement;
  readonly field: Field;
}

/** A value with its schema. */
interface Data {
  readonly schema: Schema | null;
  readonly value: ConnectValue;
}

/** Makes messages of the rows that applications insert into an outbox table, `io.debezium.transforms.outbox.EventRouter`. */
export class EventRouter implements Transformation {
  readonly config = OUTBOX_CONFIG;
  #settings!: Settings;
  #topicOf: (text: string) => string | undefined = () => undefined;
  #logger: Logger | undefined;
  /** Schemas of envelopes: by the row's schema, the payload's, and the envelope's name and version. */
  readonly #envelopes = new PerSchema(() => new PerSchema(() => new Map<string, Schema>()));

  configure(props: Props, context?: TransformationContext): void {
    const values = parseConfig(OUTBOX_CONFIG, props);
    const mode = parseConfig(FIELD_NAMES, props)["field.name.adjustment.mode"];
    this.#logger = context?.logger;
    this.#topicOf = javaReplacer(
      { pattern: "route.topic.regex", replacement: "route.topic.replacement" },
      values["route.topic.regex"],
      values["route.topic.replacement"],
    );
    const lower = (text: string) => text.trim().toLowerCase();
    this.#settings = {
      id: values["table.field.event.id"],
      key: values["table.field.event.key"],
      payload: values["table.field.event.payload"],
      timestamp: values["table.field.event.timestamp"],
      version: values["table.field.event.schema.version"],
      routeBy: values["route.by.field"],
      placements: parsePlacements(values["table.fields.additional.placement"] ?? ""),
      ignoresMissing: lower(values["table.field.additional.missing"]) === "ignore",
      onUpdate: lower(values["table.op.invalid.behavior"]),
      expandsJson: values["table.expand.json.payload"],
      nulls: lower(values["table.json.payload.null.behavior"]) as NullBehavior,
      naming: fieldNaming(mode),
      hasTombstones: values["route.tombstone.on.empty.payload"],
    };
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    if (record.value === null) return null;
    const event = changeEvent(record);
    if (!event) return record;
    const op = event.get("op");
    if (op === "d") return null;
    if (op === "u") return this.#updated();
    const after = event.get("after");
    return this.#routed(record, event, requireStruct(null, after, "Read Outbox Event"));
  }

  /** An outbox is only inserted into and deleted from. */
  #updated(): null {
    const message = "An update of an outbox row is not routed";
    const { onUpdate } = this.#settings;
    if (onUpdate === "fatal")
      throw new DataError("VALUE_INVALID", "Unexpected update of an outbox row, with table.op.invalid.behavior=fatal");
    if (onUpdate === "error") this.#logger?.error(message);
    else this.#logger?.warn(message);
    return null;
  }

  #routed(record: ConnectRecord, event: Struct, row: Struct): ConnectRecord {
    const { id, key, payload: payloadColumn, routeBy, placements, hasTombstones } = this.#settings;
    const stored = { schema: column(row, payloadColumn, "payload").schema, value: row.get(payloadColumn) };
    const timestampMs = this.#timestampOf(event, row);
    const headers = [{ key: "id", schema: column(row, id, "event id").schema, value: row.get(id) }];
    const payload = this.#expanded(stored);
    const route = typed(row, routeBy, "string");
    if (typeof route !== "string") throw unusable(routeBy, "is null, and route.by.field needs its value");
    const found = placements.flatMap((placement) => this.#placed(row, placement));
    for (const { placement, field } of found)
      if (placement.place === "header")
        headers.push({ key: placement.alias, schema: field.schema, value: row.get(field.name) });
    const partitions = found.filter(({ placement }) => placement.place === "partition");
    const partition = partitions.map(({ field }) => typed(row, field.name, "int32") as number | null).at(-1);
    const isEmpty = payload.value === null || (typeof payload.value === "string" && javaTrim(payload.value) === "");
    const hasEnvelope = placements.some(({ place }) => place === "envelope");
    const full = hasEnvelope ? this.#enveloped(row, payload, route, found) : payload;
    const value: Data = hasTombstones && isEmpty ? { schema: null, value: null } : full;
    return record.with({
      topic: this.#topicOf(route) ?? route,
      partition: partition ?? null,
      keySchema: row.schema.field(key)?.schema ?? STRING,
      key: row.get(key),
      valueSchema: value.schema,
      value: value.value,
      timestampMs,
      headers: [...record.headers, ...headers],
    });
  }

  #placed(row: Struct, placement: Placement): Placed[] {
    const field = row.schema.field(placement.column);
    if (field) return [{ placement, field }];
    if (this.#settings.ignoresMissing) return [];
    throw unusable(placement.column, "is missing, which table.fields.additional.placement names");
  }

  #enveloped(row: Struct, payload: Data, route: string, found: readonly Placed[]): Data {
    const { version: versionColumn } = this.#settings;
    const version = versionColumn === null ? null : typed(row, versionColumn, "int32");
    const fields = found
      .filter(({ placement }) => placement.place === "envelope")
      .map(({ placement, field }) => ({ alias: placement.alias, field }));
    const known = this.#envelopes.of(row.schema).of(payload.schema!);
    const name = nameOf(row.schema, route);
    const key = JSON.stringify([name, version]);
    const schema =
      known.get(key) ??
      structOf([["payload", payload.schema!], ...fields.map(({ alias, field }) => [alias, field.schema] as const)], {
        ...(name !== undefined && { name }),
        ...(typeof version === "number" && { version }),
      });
    known.set(key, schema);
    return {
      schema,
      value: new ArrayStruct(schema, [payload.value, ...fields.map(({ field }) => row.get(field.name))]),
    };
  }

  #expanded(payload: Data): Data {
    const { expandsJson, payload: name, nulls, naming } = this.#settings;
    if (!expandsJson || payload.value === null) return payload;
    if (typeof payload.value !== "string") {
      this.#logger?.warn("table.expand.json.payload has no effect on a payload that is not a text");
      return payload;
    }
    try {
      return expandedPayload(payload.value, name, nulls, naming);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.#logger?.warn("A payload is not expanded", { why: error.message });
      return payload;
    }
  }

  #timestampOf(event: Struct, row: Struct): number | null {
    const { timestamp } = this.#settings;
    const own = () => {
      const ms = typed(event, "ts_ms", "int64");
      return ms === null ? null : Number(ms);
    };
    if (timestamp === null) return own();
    const { schema } = column(row, timestamp, "timestamp");
    const value = typed(row, timestamp, "int64");
    if (value === null) return own();
    const perMs = PER_MS[schema.name ?? ""];
    if (perMs === undefined) throw unusable(timestamp, `has the type ${schema.name ?? schema.type}, which is no time`);
    return Number(BigInt(value as number | bigint) / BigInt(perMs));
  }
}

/** A column of the row. @throws DataError */
function column(row: Struct, name: string, what: string): Field {
  const field = row.schema.field(name);
  if (!field) throw unusable(name, `is missing, which holds the ${what}`);
  return field;
}

/** A column's value, without its default. @throws DataError for a missing column, and one of another type */
function typed(struct: Struct, name: string, type: Schema["type"]): ConnectValue {
  const field = struct.schema.field(name);
  if (field?.schema.type !== type) throw unusable(name, field ? `is no ${type}` : "is missing");
  return struct.at(field.index);
}

function unusable(name: string, why: string): DataError {
  return new DataError("VALUE_INVALID", `The outbox row cannot be routed: its column ${name} ${why}`);
}

/** The name of the row's schema with the route before its last part: `shop.outbox.Order.Value`. */
function nameOf({ name }: Schema, route: string): string | undefined {
  if (name === undefined) return undefined;
  const dot = name.lastIndexOf(".");
  return dot < 0 ? `${route}.${name}` : `${name.slice(0, dot)}.${route}${name.slice(dot)}`;
}

/** String.trim of Java: all characters up to the blank. */
function javaTrim(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Java's definition.
  return text.replace(/^[\u0000- ]+|[\u0000- ]+$/g, "");
}
