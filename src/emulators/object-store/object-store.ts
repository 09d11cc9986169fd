import { mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../api/clock.js";
import type { Logger } from "../../api/logger.js";
import type { Random } from "../../api/random.js";
import { BucketFiles } from "./bucket-files.js";
import * as buckets from "./bucket-operations.js";
import { FaultPlan, type FaultRule } from "./fault-plan.js";
import * as objects from "./object-operations.js";
import type { OperationHandler, S3Answer, S3Store } from "./s3-call.js";
import { S3Error } from "./s3-error.js";
import { readS3Request, type S3Operation, type S3Request } from "./s3-request.js";
import { writeErrorXml } from "./s3-xml.js";
import { type S3Credentials, verifySignature } from "./sigv4.js";
import { UploadFiles } from "./upload-files.js";
import * as uploads from "./upload-operations.js";

/** The object store's options. */
export interface ObjectStoreOptions {
  /** The folder of the buckets, created if necessary. One store at a time may use it. */
  readonly dataDir: string;
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The key pair that requests must be signed with; without it no signature is checked. */
  readonly credentials?: S3Credentials;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Faults from the start; more through `faults` of the running store. */
  readonly faults?: readonly FaultRule[];
  /** Smallest size of all parts but the last. Default 5 MiB, as S3's; tests may lower it. */
  readonly minPartBytes?: number;
}

const HANDLERS: Readonly<Record<S3Operation, OperationHandler>> = {
  ListBuckets: buckets.listBuckets,
  CreateBucket: buckets.createBucket,
  HeadBucket: buckets.headBucket,
  DeleteBucket: buckets.deleteBucket,
  GetBucketLocation: buckets.getBucketLocation,
  ListObjectsV2: buckets.listObjectsV2,
  DeleteObjects: buckets.deleteObjects,
  PutObject: objects.putObject,
  GetObject: objects.getObject,
  HeadObject: objects.headObject,
  DeleteObject: objects.deleteObject,
  CopyObject: objects.copyObject,
  CreateMultipartUpload: uploads.createMultipartUpload,
  UploadPart: uploads.uploadPart,
  ListParts: uploads.listParts,
  CompleteMultipartUpload: uploads.completeMultipartUpload,
  AbortMultipartUpload: uploads.abortMultipartUpload,
  ListMultipartUploads: uploads.listMultipartUploads,
};

/**
 * Starts an S3-compatible object store for the demo and for tests: path-style requests, objects in files that survive
 * a kill of the store, S3's conditions, checksums and errors, and planned faults. It is no store for production: no
 * versions, policies, ACLs or encryption, and nothing is flushed to disk before it is acknowledged.
 */
export async function startObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  mkdirSync(options.dataDir, { recursive: true });
  const files = await BucketFiles.open(options.dataDir, options.random);
  const uploadFiles = await UploadFiles.open(options.dataDir, options.random, options.minPartBytes ?? 5 * 2 ** 20);
  const store = new ObjectStore(options, { files, uploads: uploadFiles, clock: options.clock });
  await store.listen();
  return store;
}

/** A running object store. */
export class ObjectStore {
  /** Faults to come; see `FaultPlan.add`. */
  readonly faults: FaultPlan;
  readonly #options: ObjectStoreOptions;
  readonly #store: S3Store;
  readonly #server: Server;
  readonly #listeners = new Set<(request: S3Request) => void>();

  constructor(options: ObjectStoreOptions, store: S3Store) {
    this.#options = options;
    this.#store = store;
    this.faults = new FaultPlan(options.clock, options.faults);
    // Long uploads are no attack here, and an idle client should find its connection alive.
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // The client is gone, or a fault cut it off.
        options.logger.debug("A request was cut short", { target: request.url, reason: String(error) });
        request.socket.destroy();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://host:port`, for `store.url` or an SDK's endpoint, with path-style addressing. */
  get endpoint(): string {
    const { host } = this.#options.listen;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  /**
   * Calls `listener` after each request that was carried out, whether or not its answer could be sent. Returns a
   * function that ends this.
   */
  onApplied(listener: (request: S3Request) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Multipart uploads that were neither completed nor aborted. */
  danglingUploads(bucket: string): { key: string; uploadId: string }[] {
    return this.#store.uploads.list(bucket).map(({ key, uploadId }) => ({ key, uploadId }));
  }

  /** Called once, by `startObjectStore`. @throws Error where the address is in use. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.listen, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Closes the listener and every connection, those in use too. Acknowledged objects stay on disk. */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.close((error) => (error ? reject(error) : resolve()));
      this.#server.closeAllConnections();
    });
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = this.#options.random.uuid();
    response.setHeader("x-amz-request-id", requestId);
    response.setHeader("server", "millrace-object-store");
    const answered = await this.#answer(message);
    if (answered === "drop") {
      message.socket.destroy();
      return;
    }
    const { status, headers, body } =
      answered instanceof S3Error ? errorAnswer(answered, message, requestId) : answered;
    if (typeof body === "object") {
      response.writeHead(status, headers);
      await pipeline(body, response);
    } else {
      if (message.method !== "HEAD" && status !== 204 && status !== 304) {
        response.setHeader("content-length", Buffer.byteLength(body ?? ""));
      }
      response.writeHead(status, headers);
      response.end(message.method === "HEAD" ? undefined : body);
    }
    // The rest of a refused request's body is read and dropped, so that the connection can be used again.
    message.resume();
  }

  async #answer(message: IncomingMessage): Promise<S3Answer | S3Error | "drop"> {
    const { clock, credentials, logger } = this.#options;
    const { method = "", url: target = "/", headers } = message;
    try {
      const request = readS3Request(method, target, headers["x-amz-copy-source"] !== undefined);
      const fault = this.faults.strike(request);
      if (fault?.kind === "drop-before") return "drop";
      if (fault?.kind === "answer") {
        return new S3Error(
          fault.code,
          "A fault that was asked for",
          fault.status ? { status: fault.status } : undefined,
        );
      }
      if (fault?.kind === "delay") await clock.delay(fault.delayMs);
      const verified = credentials && verifySignature({ method, target, headers }, credentials, clock.nowMs());
      const answer = await HANDLERS[request.operation](this.#store, { request, headers, body: message, verified });
      for (const listener of this.#listeners) listener(request);
      if (fault?.kind !== "drop-after") return answer;
      // The object's file is open by now; its reader closes it.
      if (typeof answer.body === "object") for await (const _ of answer.body) break;
      return "drop";
    } catch (error) {
      if (error instanceof S3Error) return error;
      if (message.destroyed && !message.complete) throw error; // the client hung up half-way
      logger.error("An S3 request failed", { method, target }, error);
      return new S3Error("InternalError", "The object store failed: see its log", { cause: error });
    }
  }
}

function errorAnswer({ code, message, status }: S3Error, request: IncomingMessage, requestId: string): S3Answer {
  const body = writeErrorXml({ Code: code, Message: message, Resource: request.url ?? "", RequestId: requestId });
  return { status, headers: { "content-type": "application/xml" }, body };
}
