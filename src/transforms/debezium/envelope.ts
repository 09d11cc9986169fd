import type { ConnectRecord } from "../../api/index.js";
import { Struct } from "../../api/index.js";

/** The change event of a record, or undefined if it holds another one: a heartbeat, a message, a tombstone. */
export function changeEvent({ valueSchema, value }: ConnectRecord): Struct | undefined {
  return valueSchema?.name?.endsWith(".Envelope") && value instanceof Struct ? value : undefined;
}
