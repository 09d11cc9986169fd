/** An ErrorResponse or NoticeResponse of the server, with the field names of pg's own DatabaseError. */
export class ServerError extends Error {
  override readonly name = "ServerError";

  constructor(
    readonly severity: string,
    /** SQLSTATE. */
    readonly code: string,
    message: string,
    readonly detail: string | undefined,
    readonly hint: string | undefined,
  ) {
    super(message);
  }

  /** Reads the fields of the message (PostgreSQL manual, "Error and Notice Message Fields"). */
  static parse(body: Buffer): ServerError {
    const fields = new Map<string, string>();
    for (let at = 0; at < body.length && body[at] !== 0; ) {
      const zero = body.indexOf(0, at + 1);
      if (zero < 0) break;
      fields.set(String.fromCharCode(body[at]!), body.toString("utf8", at + 1, zero));
      at = zero + 1;
    }
    return new ServerError(
      fields.get("V") ?? fields.get("S") ?? "ERROR",
      fields.get("C") ?? "",
      fields.get("M") ?? "unknown error",
      fields.get("D"),
      fields.get("H"),
    );
  }
}
