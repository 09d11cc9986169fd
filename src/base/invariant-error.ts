/** A state that the code rules out: always our bug, never the user's. The operation cannot continue. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
