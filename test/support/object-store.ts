import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { SystemClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import {
  type ObjectStore,
  type ObjectStoreOptions,
  startObjectStore,
} from "../../src/emulators/object-store/object-store.js";

/** The credentials of test stores. */
export const TEST_CREDENTIALS = { accessKeyId: "test-access-key", secretAccessKey: "test-secret-key" };

/** An object store for a test, and a client of it. */
export interface TestObjectStore {
  readonly store: ObjectStore;
  readonly client: S3Client;
  readonly dataDir: string;
  /** Closes the store and starts it again on the same port and data, with no faults. */
  restart(): Promise<void>;
  /** Closes store and client and removes the data. */
  stop(): Promise<void>;
}

/** Starts a store in a temporary folder, with these buckets. */
export async function startTestObjectStore(
  options: Partial<ObjectStoreOptions> & {
    readonly buckets?: readonly string[];
    /** Accepts unsigned requests, and any signature. */
    readonly anonymous?: boolean;
  } = {},
): Promise<TestObjectStore> {
  const { buckets = [], anonymous = false, ...rest } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "millrace-test-objects-"));
  const start = (port: number) =>
    startObjectStore({
      dataDir,
      listen: { host: "127.0.0.1", port },
      ...(anonymous ? {} : { credentials: TEST_CREDENTIALS }),
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
      ...rest,
    });
  let store = await start(0);
  const client = s3Client(store.endpoint);
  for (const Bucket of buckets) await client.send(new CreateBucketCommand({ Bucket }));
  return {
    get store() {
      return store;
    },
    client,
    dataDir,
    async restart() {
      const { port } = store;
      await store.close();
      store = await start(port);
    },
    async stop() {
      client.destroy();
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A client of a store in this process. It does not retry, so that the caller sees every fault. */
export function s3Client(
  endpoint: string,
  options: { requestChecksumCalculation?: "WHEN_REQUIRED" | "WHEN_SUPPORTED"; secretAccessKey?: string } = {},
): S3Client {
  const requestChecksumCalculation = options.requestChecksumCalculation ?? "WHEN_SUPPORTED";
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation,
    responseChecksumValidation: requestChecksumCalculation,
    credentials: { ...TEST_CREDENTIALS, ...(options.secretAccessKey && { secretAccessKey: options.secretAccessKey }) },
  });
}

/** Every key of a bucket below a prefix, in order. */
export async function listKeys(client: S3Client, bucket: string, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(ContinuationToken && { ContinuationToken }) }),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return keys;
}

/** An object's bytes. */
export async function readObject(client: S3Client, bucket: string, key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
