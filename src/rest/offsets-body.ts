import { type ExactJson, parseExactJson } from "../base/exact-json.js";
import type { SubmittedOffset } from "../contract/connector-info.js";
import { HttpError } from "./http-error.js";
import { parseJson } from "./request-body.js";

/**
 * Parses the body of PATCH /connectors/C/offsets. Integers beyond 2^53 stay exact, as bigint.
 *
 * @throws HttpError 400 in the words of Kafka Connect, which answers most of these with 500.
 */
export function parseOffsetsBody(body: Buffer): SubmittedOffset[] {
  const request = objectOf(parseJson(body, parseExactJson), "the request body", ["offsets"]);
  const offsets = request?.["offsets"] ?? null;
  if (offsets !== null && !Array.isArray(offsets)) throw misfit("offsets", "a list");
  if (offsets === null || offsets.length === 0) {
    throw new HttpError(400, "Partitions / offsets need to be provided for an alter offsets request");
  }
  return offsets.map((entry: ExactJson, index) => {
    const at = `offsets.${index}`;
    const members = objectOf(entry, at, ["partition", "offset"]);
    if (!members) throw misfit(at, "an object");
    return {
      partition: objectOf(members["partition"], `${at}.partition`),
      offset: objectOf(members["offset"], `${at}.offset`),
    };
  });
}

/** @param known the only members that the object may have. */
function objectOf(
  value: ExactJson | undefined,
  at: string,
  known?: readonly string[],
): Readonly<Record<string, ExactJson>> | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) throw misfit(at, "an object");
  if (typeof value !== "object") {
    throw new HttpError(400, `Cannot construct instance of ${at} from a single value: expected an object`);
  }
  const unknown = known && Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new HttpError(400, `Unrecognized field "${unknown}" in ${at}: known fields are ${known?.join(", ")}`);
  }
  return value as Readonly<Record<string, ExactJson>>;
}

function misfit(at: string, expected: string): HttpError {
  return new HttpError(400, `Cannot deserialize value of ${at}: expected ${expected}`);
}
