/** A request between workers without proof that it comes from the group. */
export class SignatureError extends Error {
  override readonly name = "SignatureError";
  constructor(
    readonly fault: "missing" | "algorithm" | "no-key" | "wrong",
    message: string,
  ) {
    super(message);
  }
}
