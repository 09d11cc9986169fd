import type { IncomingMessage } from "node:http";
import { HttpError } from "../http-error.js";

/**
 * The body of a request as it was sent; undefined without one.
 *
 * @throws HttpError 413 for more than `limit` bytes, once all have arrived, because a client reads no answer before it
 *   has sent them; 415 for a compressed body, 400 for one that ends too early.
 */
export async function readBytes(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const { "transfer-encoding": transfer, "content-length": length, "content-encoding": coding } = message.headers;
  if (transfer === undefined && length === undefined) return undefined;
  if (coding !== undefined && coding.toLowerCase() !== "identity")
    throw new HttpError(415, "content encoding unsupported");
  let parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of message as AsyncIterable<Buffer>) {
      size += part.length;
      if (size <= limit) parts.push(part);
      else parts = [];
    }
  } catch (cause) {
    throw new HttpError(400, "request aborted", { cause });
  }
  if (size > limit) throw new HttpError(413, "request entity too large");
  return Buffer.concat(parts);
}
