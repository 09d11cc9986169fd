/** A truncated or contradictory frame, batch or record. The message never quotes the bytes. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}
