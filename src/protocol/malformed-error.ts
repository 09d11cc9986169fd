/** Bytes that do not hold what they should: a truncated or contradictory frame, batch or record. Never says what they hold. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}
