import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import pg from "pg";
import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import type { Random } from "../api/random.js";
import { Closers } from "../base/closers.js";
import { type ObjectStore, startObjectStore } from "../emulators/object-store/object-store.js";
import { type PostgresServer, startPostgres } from "../emulators/postgres/postgres-server.js";
import type { ConnectorRequest } from "./connect-rest.js";
import { packagePath } from "./package-path.js";
import { startUp, type UpProcess } from "./up-process.js";

/** The running parts of the demo. */
export interface DemoStack {
  readonly dataDir: string;
  readonly postgres: PostgresServer;
  /** Of the database `shop`. */
  readonly connectionString: string;
  readonly store: ObjectStore;
  readonly s3: S3Client;
  readonly bucket: string;
  /** Broker and worker. */
  readonly up: UpProcess;
  /** The two configurations of config/demo, with the addresses of this stack. */
  readonly source: ConnectorRequest;
  readonly sink: ConnectorRequest;
  /** Stops everything and removes temporary folders. */
  close(): Promise<void>;
}

export interface DemoStackOptions {
  /** Kept afterwards; without it a temporary folder that is removed. */
  readonly dataDir: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Starts Postgres with the shop in it, the object store, broker and worker; stops those that started if one fails. */
export async function startDemoStack(options: DemoStackOptions): Promise<DemoStack> {
  const { clock, random, logger } = options;
  const closers = new Closers();
  try {
    const dataDir = prepareDataDir(options.dataDir, closers);
    const source = readConfig("postgres-source.json");
    const sink = readConfig("s3-sink.json");
    const database = source.config["database.dbname"] ?? "";
    const upLog = logger.child("up");
    const postgresStart = startPostgres({
      dataDir: join(dataDir, "postgres"),
      port: 0,
      clock,
      logger: logger.child("postgres"),
    });
    const shopStart = postgresStart.then((server) => makeShop(server, database));
    const storeStart = startObjectStore({
      dataDir: join(dataDir, "objects"),
      listen: { host: "127.0.0.1", port: 0 },
      credentials: credentialsOf(sink),
      clock,
      random,
      logger: logger.child("objects"),
    });
    const upStart = startUp({
      dataDir: join(dataDir, "millrace"),
      temporaryFolder: options.dataDir === undefined ? dataDir : undefined,
      clock,
      onLine: (line) => upLog.debug(line),
    });
    // All starts are awaited, so that those that succeed beside one that fails are closed, too. Last noted is first
    // closed: the worker stops while the parts it needs still run.
    const outcomes = await Promise.allSettled([postgresStart, storeStart, upStart, shopStart]);
    if (outcomes[0].status === "fulfilled") closers.add("Postgres", stopOf(outcomes[0].value));
    if (outcomes[1].status === "fulfilled") closers.add("the object store", closeOf(outcomes[1].value));
    if (outcomes[2].status === "fulfilled") closers.add("broker and worker", stopOf(outcomes[2].value));
    const [postgres, store, up] = await Promise.all([postgresStart, storeStart, upStart, shopStart]);
    const s3 = clientOf(store, sink);
    closers.add("the S3 client", () => s3.destroy());
    const bucket = sink.config["s3.bucket.name"] ?? "";
    await makeBucket(s3, bucket);
    return {
      ...{ dataDir, postgres, store, s3, bucket, up },
      connectionString: postgres.connectionString.replace(/\/postgres$/, `/${database}`),
      source: withConfig(source, {
        "database.hostname": postgres.host,
        "database.port": String(postgres.port),
        "database.user": postgres.user,
        "database.password": postgres.password,
      }),
      sink: withConfig(sink, { "store.url": store.endpoint }),
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function stopOf(part: { stop(): Promise<void> }): () => Promise<void> {
  return () => part.stop();
}

function closeOf(part: { close(): Promise<void> }): () => Promise<void> {
  return () => part.close();
}

function prepareDataDir(asked: string | undefined, closers: Closers): string {
  if (asked !== undefined) {
    mkdirSync(asked, { recursive: true });
    return resolve(asked);
  }
  const folder = mkdtempSync(join(tmpdir(), "millrace-demo-"));
  // Postgres runs as another user where this one is root, and must get through to its part.
  chmodSync(folder, 0o711);
  closers.add("the data folder", () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}

function readConfig(name: string): ConnectorRequest {
  return JSON.parse(readFileSync(packagePath("config", "demo", name), "utf8")) as ConnectorRequest;
}

function withConfig(request: ConnectorRequest, changes: Readonly<Record<string, string>>): ConnectorRequest {
  return { ...request, config: { ...request.config, ...changes } };
}

function credentialsOf({ config }: ConnectorRequest): { accessKeyId: string; secretAccessKey: string } {
  return {
    accessKeyId: config["aws.access.key.id"] ?? "",
    secretAccessKey: config["aws.secret.access.key"] ?? "",
  };
}

function clientOf(store: ObjectStore, sink: ConnectorRequest): S3Client {
  return new S3Client({
    endpoint: store.endpoint,
    region: sink.config["s3.region"] ?? "us-east-1",
    forcePathStyle: true,
    credentials: credentialsOf(sink),
  });
}

async function makeBucket(s3: S3Client, bucket: string): Promise<void> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if ((error as { name?: string }).name !== "NotFound") throw error;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  }
}

async function makeShop(postgres: PostgresServer, database: string): Promise<void> {
  const run = async (connectionString: string, statements: readonly string[]) => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  };
  const sql = (name: string) => readFileSync(packagePath("config", "demo", name), "utf8");
  await run(postgres.connectionString, [`create database ${pg.escapeIdentifier(database)}`]);
  const shop = postgres.connectionString.replace(/\/postgres$/, `/${database}`);
  await run(shop, [sql("schema.sql"), sql("rows.sql")]);
}
