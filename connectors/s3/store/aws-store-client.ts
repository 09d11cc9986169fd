import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  type ObjectCannedACL,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  type S3ClientConfig,
  type ServerSideEncryption,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Logger } from "../../../src/api/index.js";
import { ForeignAnswerError, type RawAnswer, refuseForeignAnswer } from "./foreign-answer.js";
import type {
  ObjectStoreClient,
  ObjectTag,
  RequestBody,
  UnfinishedUpload,
  UploadedPart,
} from "./object-store-client.js";
import { agentsThrough } from "./proxy-agent.js";
import type { StoreSettings } from "./store-settings.js";

/** Requests of all tasks of this client share its connections. */
const MAX_SOCKETS = 16;
const AGENT = { keepAlive: true, maxSockets: MAX_SOCKETS };
const EXPECT_CONTINUE_BYTES = 2 * 1024 * 1024;

/** The store, by the AWS SDK. The SDK makes one attempt; the caller repeats. */
export class AwsStoreClient implements ObjectStoreClient {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(
    private readonly settings: StoreSettings,
    logger: Logger,
  ) {
    this.#bucket = settings.bucket;
    // The warning says that later versions will not run on Node 20. Our version is pinned, so a user cannot act on it.
    process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
    this.#client = new S3Client({
      region: settings.region,
      ...(settings.url !== undefined && { endpoint: settings.url }),
      ...credentialsOf(settings),
      forcePathStyle: settings.pathStyle,
      useAccelerateEndpoint: settings.accelerate,
      maxAttempts: 1,
      // Bodies already carry a checksum; the SDK would add trailers, which many stores do not understand.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      expectContinueHeader: settings.expectContinue ? EXPECT_CONTINUE_BYTES : false,
      logger: quieted(logger),
      customUserAgent: "millrace-s3-sink",
      requestHandler: {
        connectionTimeout: 5000,
        ...(settings.proxy ? agentsThrough(settings.proxy, AGENT) : { httpAgent: AGENT, httpsAgent: AGENT }),
      },
    });
    this.#client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const result = await next(args);
          await refuseForeignAnswer(commandName as string, result.response as RawAnswer);
          return result;
        },
      // Inside the SDK's parser, which accepts any 200 as success and hides an unparsable body.
      { step: "deserialize", priority: "low", name: "millraceForeignAnswers" },
    );
  }

  async headBucket(abortSignal: AbortSignal): Promise<void> {
    await this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), { abortSignal });
  }

  async putObject(key: string, body: RequestBody, onlyIfAbsent: boolean, abortSignal: AbortSignal): Promise<void> {
    const sized = sizedBody(body);
    const command = new PutObjectCommand({
      ...this.#newObject(key),
      ...sized,
      ...(onlyIfAbsent && { IfNoneMatch: "*" }),
    });
    await whileReadable(sized.Body, this.#client.send(command, { abortSignal }));
  }

  async createUpload(key: string, abortSignal: AbortSignal): Promise<string> {
    const command = new CreateMultipartUploadCommand({ ...this.#newObject(key), ChecksumAlgorithm: "CRC32" });
    const { UploadId } = await this.#client.send(command, { abortSignal });
    if (UploadId === undefined) throw new ForeignAnswerError(200, undefined, "an upload without its id");
    return UploadId;
  }

  async uploadPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: RequestBody,
    abortSignal: AbortSignal,
  ): Promise<UploadedPart> {
    const sized = sizedBody(body);
    const command = new UploadPartCommand({
      Bucket: this.#bucket,
      Key: key,
      UploadId: uploadId,
      PartNumber: partNumber,
      ...sized,
      ...this.#customerKey(),
    });
    const { ETag } = await whileReadable(sized.Body, this.#client.send(command, { abortSignal }));
    return { partNumber, etag: ETag!, crc32: body.crc32 };
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    onlyIfAbsent: boolean,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      Bucket: this.#bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: parts.map(({ partNumber, etag, crc32 }) => ({
          PartNumber: partNumber,
          ETag: etag,
          ChecksumCRC32: base64Of(crc32),
        })),
      },
      ...(onlyIfAbsent && { IfNoneMatch: "*" }),
      ...this.#customerKey(),
    });
    const { ETag, Location, Key } = await this.#client.send(command, { abortSignal });
    if (ETag === undefined && Location === undefined && Key === undefined)
      throw new ForeignAnswerError(200, undefined, "a completed upload without its object");
  }

  async abortUpload(key: string, uploadId: string, abortSignal: AbortSignal): Promise<void> {
    const command = new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key: key, UploadId: uploadId });
    await this.#client.send(command, { abortSignal });
  }

  async listUploads(prefix: string, abortSignal: AbortSignal): Promise<readonly UnfinishedUpload[]> {
    const found: UnfinishedUpload[] = [];
    let after: { readonly KeyMarker?: string | undefined; readonly UploadIdMarker?: string | undefined } | undefined =
      {};
    while (after !== undefined) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        Bucket: this.#bucket,
        Prefix: prefix,
        ...(after.KeyMarker !== undefined && { KeyMarker: after.KeyMarker }),
        ...(after.UploadIdMarker !== undefined && { UploadIdMarker: after.UploadIdMarker }),
      });
      const page = await this.#client.send(command, { abortSignal });
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key !== undefined && UploadId !== undefined && Initiated !== undefined)
          found.push({ key: Key, uploadId: UploadId, startedMs: Initiated.getTime() });
      }
      const goesOn = page.IsTruncated === true && page.NextKeyMarker !== undefined;
      after = goesOn ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
    }
    return found;
  }

  async tagObject(key: string, tags: readonly ObjectTag[], abortSignal: AbortSignal): Promise<void> {
    const command = new PutObjectTaggingCommand({
      Bucket: this.#bucket,
      Key: key,
      Tagging: { TagSet: tags.map((tag) => ({ Key: tag.key, Value: tag.value })) },
    });
    await this.#client.send(command, { abortSignal });
  }

  async getObject(key: string, abortSignal: AbortSignal): Promise<AsyncIterable<Buffer> | undefined> {
    try {
      const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key, ...this.#customerKey() });
      const { Body } = await this.#client.send(command, { abortSignal });
      return (Body as Readable | undefined) ?? Readable.from([]);
    } catch (error) {
      const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
      // Some stores answer 404 without a code.
      if (name === "NoSuchKey" || ($metadata?.httpStatusCode === 404 && name !== "NoSuchBucket")) return undefined;
      throw error;
    }
  }

  destroy(): void {
    this.#client.destroy();
  }

  #newObject(key: string) {
    const { acl, encryption } = this.settings;
    return {
      Bucket: this.#bucket,
      Key: key,
      // S3's own default; the SDK would send application/octet-stream.
      ContentType: "binary/octet-stream",
      ...(acl !== undefined && { ACL: acl as ObjectCannedACL }),
      ...(encryption?.kind === "managed" && {
        ServerSideEncryption: encryption.algorithm as ServerSideEncryption,
        ...(encryption.kmsKeyId !== undefined && { SSEKMSKeyId: encryption.kmsKeyId }),
      }),
      ...this.#customerKey(),
    };
  }

  #customerKey() {
    const { encryption } = this.settings;
    if (encryption?.kind !== "customer-key") return {};
    return { SSECustomerAlgorithm: "AES256", SSECustomerKey: encryption.key.value };
  }
}

/** What the client needs for the requests' signatures; nothing: AWS's default chain. */
function credentialsOf({ credentials }: StoreSettings): S3ClientConfig {
  switch (credentials.kind) {
    case "static":
      return { credentials };
    case "environment":
      return { credentials: async () => environmentCredentials() };
    case "profile":
      // Named, it comes before the environment's keys.
      return { profile: process.env["AWS_PROFILE"] ?? "default" };
    case "anonymous":
      return { credentials: { accessKeyId: "", secretAccessKey: "" }, signer: { sign: async (request) => request } };
    default:
      return {};
  }
}

function environmentCredentials() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    throw Object.assign(new Error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment"), {
      name: "CredentialsProviderError",
    });
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}

/** The SDK's lines at trace level, instead of on the console. The caller reports failures. */
function quieted(logger: Logger) {
  const line = (...content: unknown[]) => {
    const [text] = content;
    if (typeof text === "string") logger.trace(text);
  };
  return { trace: line, debug: line, info: line, warn: line, error: line };
}

function sizedBody(body: RequestBody) {
  return {
    Body: Readable.from(body.open(), { objectMode: false }),
    ContentLength: body.length,
    ChecksumCRC32: base64Of(body.crc32),
  };
}

/** The SDK does not notice a body that fails: without this the request would wait for the rest of it. */
function whileReadable<T>(body: Readable, sent: Promise<T>): Promise<T> {
  return Promise.race([sent, new Promise<never>((_, reject) => body.once("error", reject))]);
}

function base64Of(crc32: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc32);
  return bytes.toString("base64");
}
