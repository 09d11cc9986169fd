/** A state that the code rules out has come about: our bug, never the user's. Always fatal to what was being done. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}
