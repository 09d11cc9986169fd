import { Readable } from "node:stream";

/** An HTTP answer from the AWS SDK's request handler, not parsed yet. */
export interface RawAnswer {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  body?: Readable;
}

/**
 * An answer that no S3 store sends: from a web server, a proxy or a login page. Its 200 does not mean that anything was
 * stored.
 */
export class ForeignAnswerError extends Error {
  override readonly name = "ForeignAnswerError";
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(status: number, contentType: string | undefined, firstWords: string) {
    const words = firstWords === "" ? "" : `, beginning "${firstWords}"`;
    super(`not an answer of S3: ${contentType ?? "without a Content-Type"}${words}`);
    this.$metadata = { httpStatusCode: status };
  }
}

/** Answers of these commands carry an ETag: S3 sends one for every object and part that it stores or returns. */
const ETAG_COMMANDS: ReadonlySet<string> = new Set(["PutObjectCommand", "UploadPartCommand", "GetObjectCommand"]);
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_WORDS = 120;
const NOTHING = Buffer.alloc(0);

/**
 * Checks a raw answer before the SDK parses it. Reads the body of an error and, if it is XML, puts it back for the SDK
 * to parse.
 *
 * @param command the SDK's name of the request: `PutObjectCommand`.
 * @throws ForeignAnswerError when no S3 store would have sent it.
 */
export async function refuseForeignAnswer(command: string, answer: RawAnswer): Promise<void> {
  const { statusCode, headers, body } = answer;
  if (statusCode < 300) {
    const lacksTag = ETAG_COMMANDS.has(command) && headers["etag"] === undefined;
    if (lacksTag || (command === "HeadBucketCommand" && isWebPage(headers))) {
      throw foreign(answer, body ? await read(body) : NOTHING);
    }
  } else if (statusCode >= 400 && body) {
    const bytes = await read(body);
    if (bytes.length > 0 && !isXml(bytes)) throw foreign(answer, bytes);
    answer.body = Readable.from([bytes]);
  }
}

function isXml(bytes: Buffer): boolean {
  const beginning = bytes.toString("utf8", 0, 200).replace(/^[\uFEFF\s]+/, "");
  return beginning.startsWith("<") && !/^<(?:!doctype|html)\b/i.test(beginning);
}

/** A page, and no header of Amazon's: some stores name text/html as the type of an empty answer. */
function isWebPage(headers: RawAnswer["headers"]): boolean {
  return (
    headers["content-type"]?.startsWith("text/html") === true &&
    !Object.keys(headers).some((name) => name.startsWith("x-amz"))
  );
}

function foreign({ statusCode, headers }: RawAnswer, body: Buffer): ForeignAnswerError {
  return new ForeignAnswerError(statusCode, headers["content-type"], firstWords(body.toString("utf8")));
}

/** The text of a page or message without its tags, on one line. */
function firstWords(text: string): string {
  const plain = text
    .replace(/<(script|style)\b.*?<\/\1\s*>/gis, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return plain.length > MAX_WORDS ? `${plain.slice(0, MAX_WORDS)}…` : plain;
}

/** The first bytes of a body. The rest is dropped together with its connection. */
async function read(body: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of body) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length >= MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(pieces);
}
