import {
  type ConnectRecord,
  type ConnectValue,
  DataError,
  type Props,
  parseConfig,
  Struct,
  type Transformation,
} from "../../api/index.js";
import { requireStruct } from "../record/value-shape.js";
import { refuse, required } from "./config-rules.js";

const TYPES = ["CREATE", "ALTER", "DROP", "TRUNCATE", "DATABASE"];
const KEY = "schema.change.event.exclude.list";

const CONFIG = {
  [KEY]: {
    type: "string",
    importance: "high",
    width: "short",
    order: 1,
    displayName: "Schema change event exclude list",
    check: required,
    doc: "The kinds of schema changes to leave out: CREATE, ALTER, DROP, TRUNCATE, DATABASE.",
  },
} as const;

/**
 * Leaves out records of Debezium's schema change topics, `io.debezium.transforms.SchemaChangeEventFilter`. The Postgres
 * connector has no such topic.
 */
export class SchemaChangeEventFilter implements Transformation {
  readonly config = CONFIG;
  #excluded: ReadonlySet<string> = new Set();

  configure(props: Props): void {
    const list = parseConfig(CONFIG, props)[KEY];
    const types = list.split(",").map((item) => item.trim());
    const unknown = types.find((type) => !TYPES.includes(type));
    if (unknown !== undefined) refuse(KEY, unknown, `Value must be one of ${TYPES.join(", ")}`);
    this.#excluded = new Set(types);
  }

  apply(record: ConnectRecord): ConnectRecord | null {
    if (record.value === null || !record.valueSchema?.name?.endsWith(".SchemaChangeValue")) return record;
    const change = requireStruct(record.valueSchema, record.value, "Read schema change event to filter");
    const tables = change.get("tableChanges");
    if (tables === null) return null;
    if (!Array.isArray(tables)) throw new DataError("VALUE_INVALID", "A schema change's tableChanges are no list");
    return this.#excluded.has(typeOf(tables)) ? null : record;
  }
}

/** That of the first table; a change without tables is the database's. */
function typeOf([first]: readonly ConnectValue[]): string {
  if (first === undefined) return "DATABASE";
  const type = first instanceof Struct ? first.get("type") : null;
  if (typeof type !== "string" || !TYPES.includes(type))
    throw new DataError("VALUE_INVALID", "A schema change's table change has no type that is known");
  return type;
}
