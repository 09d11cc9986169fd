/** An answer that the HTTP layer itself gives, such as 404 for a path that nobody serves. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  constructor(
    readonly status: number,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}
