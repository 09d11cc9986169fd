import { DataError } from "../../../src/api/index.js";
import type { SentSignal } from "./signal-channel.js";

/**
 * A signal of the Kafka and the file channel: `{"id":…,"type":…,"data":{…}}`.
 *
 * @throws DataError, without the text: it may hold anything.
 */
export function parseSignalMessage(text: string): SentSignal {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    // Without the parser's own message, which quotes the text.
  }
  if (typeof message !== "object" || message === null || Array.isArray(message))
    throw new DataError(
      "VALUE_INVALID",
      'it is no JSON object such as {"id": "1", "type": "execute-snapshot", "data": {"data-collections": ["schema.table"]}}',
    );
  const { id, type, data } = message as Record<string, unknown>;
  if (typeof type !== "string" || type === "") throw new DataError("VALUE_INVALID", "it has no type");
  return { id: id === undefined || id === null ? "" : String(id), type, data: textOf(data) };
}

/** Data may be an object, or its text. */
function textOf(data: unknown): string {
  if (data === undefined || data === null) return "{}";
  return typeof data === "string" ? data : JSON.stringify(data);
}
