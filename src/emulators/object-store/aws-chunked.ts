import { createHash } from "node:crypto";
import { S3Error } from "./s3-error.js";
import { chunkSignature, sameSignature, trailerSignature, type Verified } from "./sigv4.js";

/** A chunk header is short; a longer line means that the body is not aws-chunked at all. */
const LONGEST_LINE = 16 * 1024;

/**
 * Removes the framing of a body sent with `Content-Encoding: aws-chunked` (Amazon S3, "Transferring payload in multiple
 * chunks"), with or without chunk signatures and trailing headers.
 *
 * @param trailers receives the trailing headers, names in lower case, before the generator ends.
 * @param verified set for the signed variants: each chunk's signature is then checked after the chunk is yielded, so no
 *   byte may be trusted before the generator has ended.
 * @throws S3Error IncompleteBody or SignatureDoesNotMatch.
 */
export async function* decodeAwsChunked(
  body: AsyncIterable<Buffer>,
  trailers: Map<string, string>,
  verified?: Verified,
): AsyncGenerator<Buffer> {
  const input = new ChunkReader(body);
  let previous = verified?.signature ?? "";
  for (;;) {
    const line = await input.line();
    const header = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
    if (!header) throw new S3Error("IncompleteBody", "A chunk of the aws-chunked body does not start with its size");
    const size = Number.parseInt(header[1] ?? "", 16);
    const hash = createHash("sha256");
    for (let left = size; left > 0; ) {
      const piece = await input.take(left);
      left -= piece.length;
      if (verified) hash.update(piece);
      yield piece;
    }
    if (verified) {
      const expected = chunkSignature(verified, previous, hash.digest("hex"));
      if (!sameSignature(expected, header[2] ?? "")) {
        throw new S3Error("SignatureDoesNotMatch", "The signature of a chunk of the body does not match");
      }
      previous = expected;
    }
    if (size === 0) break;
    if ((await input.line()) !== "") throw new S3Error("IncompleteBody", "A chunk is longer than its header says");
  }
  await readTrailers(input, trailers, previous, verified);
}

async function readTrailers(
  input: ChunkReader,
  trailers: Map<string, string>,
  previous: string,
  verified: Verified | undefined,
): Promise<void> {
  let signedText = "";
  let signature: string | undefined;
  for (;;) {
    const line = await input.line(true);
    if (line === "") break;
    const colon = line.indexOf(":");
    if (colon < 0) throw new S3Error("IncompleteBody", "A trailing header has no colon");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "x-amz-trailer-signature") {
      signature = value;
      continue;
    }
    trailers.set(name, value);
    signedText += `${name}:${value}\n`;
  }
  if (!verified || signedText === "") return;
  if (!sameSignature(trailerSignature(verified, previous, signedText), signature ?? "")) {
    throw new S3Error("SignatureDoesNotMatch", "The signature of the trailing headers does not match");
  }
}

/** Reads lines and runs of bytes from a sequence of chunks of any size. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** From 1 to `most` bytes, as they arrive. */
  async take(most: number): Promise<Buffer> {
    if (this.#chunk.length === 0 && !(await this.#refill())) throw endedEarly();
    const piece = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  /** The text up to the next CRLF or LF. At the end of input an empty line if `orEnd`, else an error. */
  async line(orEnd = false): Promise<string> {
    let text = "";
    for (;;) {
      const end = this.#chunk.indexOf(0x0a);
      text += this.#chunk.toString("latin1", 0, end < 0 ? this.#chunk.length : end);
      if (end >= 0) {
        this.#chunk = this.#chunk.subarray(end + 1);
        return text.endsWith("\r") ? text.slice(0, -1) : text;
      }
      if (text.length > LONGEST_LINE) throw new S3Error("IncompleteBody", "The body is not aws-chunked");
      if (!(await this.#refill())) {
        if (orEnd && text === "") return "";
        throw endedEarly();
      }
    }
  }

  async #refill(): Promise<boolean> {
    const next = await this.#chunks.next();
    this.#chunk = next.done ? Buffer.alloc(0) : next.value;
    return !next.done;
  }
}

function endedEarly(): S3Error {
  return new S3Error("IncompleteBody", "The body ended before its last chunk");
}
