import { allOf, type ConfigCheck, ConfigError, type ConfigKey, invalidValue } from "../../api/index.js";
import { isPattern } from "../record/pattern-check.js";

const oneIn =
  (...allowed: readonly string[]): ConfigCheck =>
  (key, value) =>
    allowed.includes(String(value).trim().toLowerCase())
      ? undefined
      : invalidValue(key, value, `Value must be one of ${allowed.join(", ")}`);

/** An additional column of the outbox table, and its place in the message. */
export interface Placement {
  readonly column: string;
  readonly place: "header" | "envelope" | "partition";
  /** The name of the header or field. */
  readonly alias: string;
}

const PLACES = ["header", "envelope", "partition"] as const;
const PLACEMENT_KEY = "table.fields.additional.placement";

/** Parses `column:place[:alias],…`. @throws ConfigError */
export function parsePlacements(text: string): readonly Placement[] {
  if (text.trim() === "") return [];
  return text.split(",").map((item) => {
    const parts = item.split(":").map((part) => part.trim());
    const [column = "", placeText = "", alias = column] = parts;
    const place = PLACES.find((known) => known === placeText.toLowerCase());
    if (column !== "" && place && alias !== "" && parts.length <= 3) return { column, place, alias };
    const detail = `expected COLUMN:PLACE or COLUMN:PLACE:ALIAS with a place of ${PLACES.join(", ")}`;
    throw new ConfigError(PLACEMENT_KEY, invalidValue(PLACEMENT_KEY, item.trim(), detail));
  });
}

const isPlacementList: ConfigCheck = (_key, value) => {
  if (typeof value !== "string") return undefined;
  try {
    parsePlacements(value);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
};

const nonBlank: ConfigCheck = (key, value) =>
  String(value ?? "").trim() === "" ? invalidValue(key, value, "A value is required") : undefined;

const TABLE = { importance: "low", group: "Table", width: "medium" } as const satisfies Partial<ConfigKey>;
const ROUTER = { importance: "low", group: "Router", width: "medium" } as const satisfies Partial<ConfigKey>;
const TRACING = { importance: "low", group: "Tracing", width: "short" } as const satisfies Partial<ConfigKey>;

/** The keys of `io.debezium.transforms.outbox.EventRouter`. */
export const OUTBOX_CONFIG = {
  "table.field.event.id": {
    type: "string",
    default: "id",
    ...TABLE,
    order: 0,
    displayName: "Event ID Field",
    doc: "The column that becomes the header id.",
  },
  "table.field.event.key": {
    type: "string",
    default: "aggregateid",
    ...TABLE,
    order: 1,
    displayName: "Event Key Field",
    doc: "The column that becomes the key.",
  },
  "table.field.event.type": {
    type: "string",
    default: "type",
    ...TABLE,
    order: 2,
    displayName: "Event Type Field",
    doc: "No effect, as in Debezium: place the column with table.fields.additional.placement.",
  },
  "table.field.event.payload": {
    type: "string",
    default: "payload",
    ...TABLE,
    order: 3,
    displayName: "Event Payload Field",
    doc: "The column that becomes the value.",
  },
  "table.field.event.timestamp": {
    type: "string",
    default: null,
    ...TABLE,
    order: 4,
    displayName: "Event Timestamp Field",
    doc: "The column that becomes the timestamp; by default the time of the event.",
  },
  "table.field.event.schema.version": {
    type: "string",
    default: null,
    ...TABLE,
    order: 5,
    displayName: "Event Schema Version Field",
    doc: "The int32 column that becomes the version of the value's schema, where columns are placed in an envelope.",
  },
  "table.fields.additional.placement": {
    type: "string",
    default: null,
    ...TABLE,
    order: 6,
    displayName: "Settings for each additional column in the outbox table",
    check: isPlacementList,
    doc: "Additional columns, as `COLUMN:PLACE[:ALIAS]` separated by commas. PLACE is header, envelope or partition.",
  },
  "table.field.additional.missing": {
    type: "string",
    default: "error",
    ...TABLE,
    order: 7,
    displayName: "Behavior when an additional field is missing in the change data",
    check: oneIn("error", "ignore"),
    doc: "A row without such a column: `error` refuses it, `ignore` leaves the column out.",
  },
  "table.op.invalid.behavior": {
    type: "string",
    default: "warn",
    ...TABLE,
    order: 8,
    displayName: "Behavior when the route fails to apply",
    check: oneIn("warn", "error", "fatal"),
    doc: "An update of a row, which an outbox does not expect: `warn` and `error` drop it with a line of that level in the log, `fatal` refuses it.",
  },
  "table.expand.json.payload": {
    type: "boolean",
    default: false,
    ...TABLE,
    order: 9,
    displayName: "Expand Payload escaped string as real JSON",
    doc: "Whether a payload that is the text of a JSON object or array becomes a struct or array.",
  },
  "table.json.payload.null.behavior": {
    type: "string",
    default: "ignore",
    ...TABLE,
    order: 10,
    displayName: "Behavior when json payload including null value",
    check: oneIn("ignore", "optional_bytes"),
    doc: "Null in such a payload: no field (`ignore`), or a field of type bytes (`optional_bytes`).",
  },
  "route.by.field": {
    type: "string",
    default: "aggregatetype",
    ...ROUTER,
    order: 0,
    displayName: "Field to route events by",
    doc: "The column whose value becomes part of the topic.",
  },
  "route.topic.regex": {
    type: "string",
    default: "(?<routedByValue>.*)",
    ...ROUTER,
    order: 1,
    displayName: "The name of the routed topic",
    check: allOf(nonBlank, isPattern),
    doc: "A Java regular expression for whole values of that column.",
  },
  "route.topic.replacement": {
    type: "string",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to a group in Java's syntax.
    default: "outbox.event.${routedByValue}",
    ...ROUTER,
    order: 2,
    displayName: "The name of the routed topic",
    doc: "The topic of values that match; `$1` stands for the expression's first group, and so do groups by their names. Others are the topic themselves.",
  },
  "route.tombstone.on.empty.payload": {
    type: "boolean",
    default: false,
    ...ROUTER,
    order: 3,
    displayName: "Empty payloads cause a tombstone message",
    doc: "Whether a null or blank payload becomes a tombstone.",
  },
  "tracing.span.context.field": {
    type: "string",
    default: "tracingspancontext",
    ...TRACING,
    order: 0,
    displayName: "Serialized tracing span context field",
    doc: "No effect, as in Kafka Connect without OpenTelemetry.",
  },
  "tracing.operation.name": {
    type: "string",
    default: "debezium-read",
    ...TRACING,
    order: 1,
    displayName: "Tracing operation name",
    doc: "No effect, as in Kafka Connect without OpenTelemetry.",
  },
  "tracing.with.context.field.only": {
    type: "boolean",
    default: false,
    ...TRACING,
    order: 2,
    displayName: "Trace only events with context field present",
    doc: "No effect, as in Kafka Connect without OpenTelemetry.",
  },
} as const;
