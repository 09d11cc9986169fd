import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../src/emulators/postgres/postgres-server.js";
import { execute, startTestPostgres, withClient } from "../support/postgres.js";
import { StatusWatch } from "../support/status-watch.js";
import { progressOf } from "../support/topic-progress.js";
import { committedLines } from "./committed-lines.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const FIRST_ROW = "INSERT INTO orders (note) VALUES ('of the snapshot')";

const PROPS = {
  "exactly.once.source.support": "enabled",
  "scheduled.rebalance.max.delay.ms": "0",
  "task.shutdown.graceful.timeout.ms": "1000",
};

/** Two workers of one group, of which the test kills one after the other. */
class Pair {
  readonly #workers: OurWorker[] = [];

  constructor(private readonly kafka: string) {}

  async start(): Promise<void> {
    this.#workers.push(await OurWorker.start(this.kafka, PROPS));
  }

  get rest() {
    return this.#workers[0]!.rest;
  }

  /** Kills the older one, without a farewell, and starts another in its place. */
  async replaceOldest(): Promise<void> {
    const oldest = this.#workers.shift()!;
    await oldest.process.kill9();
    await this.start();
    await oldest.stop();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.stop()));
  }
}

describe.skipIf(missing)("exactly-once sources on Apache Kafka, under kills of their workers", () => {
  let peers: Peers;
  let folder: string;
  let pair: Pair;
  let statuses: StatusWatch;

  beforeAll(async () => {
    peers = await Peers.prepare(script);
    await peers.startKafka();
    folder = mkdtempSync(join(tmpdir(), "millrace-exactly-once-"));
    pair = new Pair(peers.bootstrap);
    await pair.start();
    await pair.start();
    statuses = await StatusWatch.open(peers.bootstrap);
  });
  afterAll(async () => {
    await pair?.stop();
    await statuses?.close();
    await peers?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test.each(["poll", "interval"])("a file's lines, in transactions by %s", { timeout: 240_000 }, async (boundary) => {
    const lines = Array.from({ length: 4_000 }, (_, at) => `line ${at}`);
    const [file, topic] = [join(folder, `${boundary}.txt`), `lines-${boundary}`];
    const progress = await progressOf(peers.bootstrap, topic);
    writeFileSync(file, "");
    await pair.rest.create(topic, {
      "connector.class": "FileStreamSource",
      "exactly.once.support": "required",
      "transaction.boundary": boundary,
      "transaction.boundary.interval.ms": "300",
      "batch.size": "25",
      file,
      topic,
    });
    await statuses.running(topic);
    let written = 0;
    for (const share of [1_000, 2_000, 3_000, 4_000]) {
      appendFileSync(file, `${lines.slice(written, share).join("\n")}\n`);
      await progress.reached(written + 200);
      written = share;
      await pair.replaceOldest();
      await progress.reached(share);
    }
    await statuses.running(topic);
    await progress.close();
    expect(await committedLines(peers, topic, lines.length)).toEqual(lines);
  });

  test.each([
    ["a topic of its own", (topic: string): object => ({ "offsets.storage.topic": `${topic}-offsets` })],
    [
      "the cluster that it writes to, under another name",
      (_: string): object => {
        const servers = peers.bootstrap.replace("127.0.0.1", "localhost");
        const clients = ["producer", "consumer", "admin"].map((kind) => `${kind}.override.bootstrap.servers`);
        return Object.fromEntries(clients.map((key) => [key, servers]));
      },
    ],
  ])("with the offsets in %s", { timeout: 240_000 }, async (what, keys) => {
    const lines = Array.from({ length: 1_000 }, (_, at) => `line ${at}`);
    const topic = `own-${what.length}`;
    const file = join(folder, `${topic}.txt`);
    const progress = await progressOf(peers.bootstrap, topic);
    writeFileSync(file, "");
    const own = keys(topic);
    await pair.rest.create(topic, {
      "connector.class": "FileStreamSource",
      "exactly.once.support": "required",
      "batch.size": "25",
      file,
      topic,
      ...own,
    });
    await statuses.running(topic);
    appendFileSync(file, `${lines.slice(0, 500).join("\n")}\n`);
    await progress.reached(200);
    await pair.replaceOldest();
    appendFileSync(file, `${lines.slice(500).join("\n")}\n`);
    await progress.reached(1_000);
    await progress.close();
    expect(await committedLines(peers, topic, lines.length)).toEqual(lines);
    await pair.rest.put(`/connectors/${topic}/stop`);
    const { size } = statSync(file);
    const offsets = async () => (await pair.rest.get(`/connectors/${topic}/offsets`)).body;
    expect(await offsets()).toMatchObject({ offsets: [{ partition: { filename: file }, offset: { position: size } }] });
    if ("offsets.storage.topic" in own) {
      const stored = await committedLines(peers, `${topic}-offsets`, 5_000);
      expect(JSON.parse(stored.at(-1) ?? "null")).toMatchObject({ position: size });
    }
    expect((await pair.rest.delete(`/connectors/${topic}/offsets`)).status).toBe(200);
    expect(await offsets()).toEqual({ offsets: [] });
  });

  test("a Postgres table's rows, in order", { timeout: 240_000 }, async () => {
    const postgres: PostgresServer = await startTestPostgres();
    try {
      await execute(postgres, "CREATE TABLE orders (id serial PRIMARY KEY, note text)", FIRST_ROW);
      const progress = await progressOf(peers.bootstrap, "shop.public.orders");
      const { hostname, port, username, password } = new URL(postgres.connectionString);
      await pair.rest.create("shop", {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "exactly.once.support": "required",
        "database.hostname": hostname,
        "database.port": port,
        "database.user": decodeURIComponent(username),
        "database.password": decodeURIComponent(password),
        "database.dbname": new URL(postgres.connectionString).pathname.slice(1),
        "topic.prefix": "shop",
        "plugin.name": "pgoutput",
        "slot.name": "exactly_once",
        "publication.autocreate.mode": "filtered",
        "table.include.list": "public.orders",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
      });
      // The rest is streamed. A kill during a snapshot has it read again from its beginning, as by Debezium.
      await progress.reached(1);
      const total = 4_001;
      await withClient(postgres, async (client) => {
        for (let from = 1; from < total; from += 1_000) {
          for (let at = 0; at < 100; at++) {
            await client.query("INSERT INTO orders (note) SELECT 'n' FROM generate_series(1, 10)");
          }
          await progress.reached(from + 200);
          await pair.replaceOldest();
          await progress.reached(from + 1_000);
        }
      });
      await statuses.running("shop");
      await progress.close();
      const rows = await committedLines(peers, "shop.public.orders", total);
      const ids = rows.map((row) => (JSON.parse(row) as { after: { id: number } }).after.id);
      expect(ids).toEqual(Array.from({ length: total }, (_, at) => at + 1));
    } finally {
      await pair.rest.delete("/connectors/shop");
      await postgres.stop();
    }
  });
});
