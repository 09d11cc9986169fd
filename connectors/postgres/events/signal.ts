import { DataError } from "../../../src/api/index.js";

/** What a row of the signal table asks for. */
export type Signal =
  | SnapshotSignal
  /** `tables` null: all. */
  | { readonly kind: "stop"; readonly tables: readonly string[] | null }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "log"; readonly message: string }
  /** Watermarks that Debezium writes. */
  | { readonly kind: "none" };

export interface SnapshotSignal {
  readonly kind: "snapshot";
  readonly id: string;
  readonly isBlocking: boolean;
  /** Patterns of `schema.table`. */
  readonly tables: readonly string[];
  /** Per pattern: part of a WHERE clause, or for a blocking snapshot the whole SELECT. */
  readonly conditions: readonly { readonly table: string; readonly filter: string }[];
  /** Orders the chunks instead of the key. */
  readonly surrogateKey: string | null;
}

/** @throws DataError for an unknown type, or data that its type does not have. */
export function parseSignal(id: string, type: string, text: string): Signal {
  switch (type) {
    case "execute-snapshot":
      return parseSnapshot(id, parseData(text));
    case "stop-snapshot": {
      const data = parseData(text);
      return { kind: "stop", tables: data["data-collections"] === undefined ? null : tablesOf(data) };
    }
    case "pause-snapshot":
      return { kind: "pause" };
    case "resume-snapshot":
      return { kind: "resume" };
    case "log":
      return { kind: "log", message: String(parseData(text)["message"] ?? "") };
    case "snapshot-window-open":
    case "snapshot-window-close":
      return { kind: "none" };
    default:
      throw new DataError(
        "VALUE_INVALID",
        `its type ${type} is not recognized; known are execute-snapshot, stop-snapshot, pause-snapshot, resume-snapshot and log`,
      );
  }
}

type Data = Readonly<Record<string, unknown>>;

function parseSnapshot(id: string, data: Data): SnapshotSignal {
  const type = String(data["type"] ?? "incremental").toLowerCase();
  if (type !== "incremental" && type !== "blocking")
    throw new DataError("VALUE_INVALID", `its snapshot type ${type} is neither incremental nor blocking`);
  const conditions = data["additional-conditions"] ?? [];
  if (!Array.isArray(conditions)) throw new DataError("VALUE_INVALID", "its additional-conditions are no list");
  return {
    kind: "snapshot",
    id,
    isBlocking: type === "blocking",
    tables: tablesOf(data),
    conditions: (conditions as Data[]).map((condition) => ({
      table: textOf(condition, "data-collection"),
      filter: textOf(condition, "filter"),
    })),
    surrogateKey:
      typeof data["surrogate-key"] === "string" && data["surrogate-key"] !== "" ? data["surrogate-key"] : null,
  };
}

function parseData(text: string): Data {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // Without the parser's own message, which quotes the text.
  }
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new DataError("VALUE_INVALID", "its data is no JSON object");
  return data as Data;
}

function tablesOf(data: Data): string[] {
  const tables = data["data-collections"];
  if (!Array.isArray(tables) || tables.length === 0 || !tables.every((name) => typeof name === "string" && name !== ""))
    throw new DataError("VALUE_INVALID", "its data-collections are no list of names");
  return tables as string[];
}

function textOf(data: Data, name: string): string {
  const text = data[name];
  if (typeof text !== "string" || text === "") throw new DataError("VALUE_INVALID", `a condition lacks its ${name}`);
  return text;
}
