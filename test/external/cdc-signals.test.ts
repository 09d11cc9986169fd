import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../src/emulators/postgres/postgres-server.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { execute, startTestPostgres } from "../support/postgres.js";
import { RestClient } from "../support/rest-client.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, Peers } from "./peers.js";
import { type Collected, TopicCollector } from "./topic-collector.js";

const { script, missing } = findPeers();
const NAME = "signalled";
const NOTES = `${NAME}-notes`;
const SIGNALS = `${NAME}-signal`;

interface Side {
  readonly name: "real" | "ours";
  readonly kafka: string;
  readonly rest: RestClient;
  readonly file: string;
  readonly collector: TopicCollector;
}

interface Note {
  readonly id: string;
  readonly type: string;
  readonly aggregate_type: string;
  readonly additional_data: Readonly<Record<string, string>>;
  readonly timestamp: number;
}

const notesOf = (records: ReadonlyMap<string, readonly Collected[]>): Note[] =>
  (records.get(NOTES) ?? []).map(({ value }) => (JSON.parse(value ?? "null") as { payload: Note }).payload);

/** Without what is random: ids that no signal has, times, and the order of tables that the original keeps in a set. */
function comparable({ id, additional_data: data, ...note }: Note) {
  const sorted = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  const lists = sorted.map(([key, text]) => [
    key,
    key === "data_collections" ? text.split(",").sort().join(",") : text,
  ]);
  return { ...note, timestamp: typeof note.timestamp, id: /^[a-z]\d$/.test(id) ? id : "random", data: lists };
}

// Both read signals of their own Kafka and file, and follow the same database.
describe.skipIf(missing)("signals and notifications of the real Debezium and of ours", () => {
  let postgres: PostgresServer;
  let peers: Peers;
  let broker: TestBroker;
  let worker: OurWorker;
  let folder: string;
  const sides: Side[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-signals-"));
    [postgres, peers, broker] = await Promise.all([startTestPostgres(), Peers.prepare(script), startTestBroker()]);
    await peers.startKafka();
    [worker] = await Promise.all([OurWorker.start(broker.bootstrap), peers.startConnect()]);
    const topics = [NOTES, SIGNALS, `${NAME}.public.a`];
    for (const [name, kafka, rest] of [
      ["real", peers.bootstrap, new RestClient(peers.connectUrl, false)],
      ["ours", broker.bootstrap, worker.rest],
    ] as const) {
      const file = join(folder, name);
      writeFileSync(file, "");
      sides.push({ name, kafka, rest, file, collector: await TopicCollector.open(kafka, topics) });
    }
  });

  afterAll(async () => {
    await Promise.all(sides.map(({ collector }) => collector.close()));
    await worker?.stop();
    await Promise.all([peers?.stop(), broker?.close()]);
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("the same signals by Kafka and by a file have the same effects, and both tell the same of them", async () => {
    const sql = { connectionString: postgres.connectionString };
    await execute(
      sql,
      "create table a(id int primary key, v text not null)",
      "insert into a select g, 'v' || g from generate_series(1, 5) g",
      "create table b(id int primary key)",
      "create table nokey(v int)",
      "create table signals(id text primary key, type text, data text)",
    );
    const url = new URL(postgres.connectionString);
    const each = <T>(step: (side: Side) => Promise<T>) => Promise.all(sides.map(step));
    const until = (type: string, count: number) =>
      each(({ collector }) =>
        collector.until((records) => notesOf(records).filter((note) => note.type === type).length >= count),
      );
    const send = (...signals: readonly object[]) =>
      each(async ({ kafka }) => {
        const producer = new Kafka({ brokers: [kafka], logLevel: logLevel.ERROR }).producer();
        await producer.connect();
        const messages = signals.map((signal) => ({ key: NAME, value: JSON.stringify(signal) }));
        await producer.send({ topic: SIGNALS, messages: [{ key: "another", value: "{}" }, ...messages] });
        await producer.disconnect();
      });
    await each(({ name, rest, kafka, file }) =>
      rest.create(NAME, {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "database.hostname": url.hostname,
        "database.port": url.port,
        "database.user": url.username,
        "database.password": url.password,
        "database.dbname": url.pathname.slice(1),
        "topic.prefix": NAME,
        "plugin.name": "pgoutput",
        "slot.name": `signals_${name}`,
        "publication.name": `signals_${name}`,
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        // Of all tables but the signal table, which the original writes to.
        "table.include.list": "public.a,public.b,public.nokey",
        "signal.data.collection": "public.signals",
        "signal.enabled.channels": "source,kafka,file",
        "signal.kafka.bootstrap.servers": kafka,
        "signal.kafka.poll.timeout.ms": "100",
        "signal.poll.interval.ms": "200",
        "signal.file": file,
        "notification.enabled.channels": "sink,log",
        "notification.sink.topic.name": NOTES,
        "incremental.snapshot.chunk.size": "2",
        "xmin.fetch.interval.ms": "100",
        "slot.stream.params": "origin=none",
        "slot.failover": "true",
        "poll.interval.ms": "50",
      }),
    );
    await until("COMPLETED", 1);
    const tables = ["public.a", "public.b", "public.nokey", "public.absent"];
    await send({ id: "k1", type: "execute-snapshot", data: { "data-collections": tables } });
    await until("COMPLETED", 2);
    // A pause while nothing runs holds up nothing.
    await send(
      { id: "k2", type: "pause-snapshot", data: {} },
      {
        id: "k3",
        type: "execute-snapshot",
        data: {
          "data-collections": ["public.a"],
          type: "incremental",
          "surrogate-key": "v",
          "additional-conditions": [{ "data-collection": "public.a", filter: "id > 1" }],
        },
      },
    );
    await until("COMPLETED", 3);
    const bad = [{ "data-collection": "public.a", filter: "nonsense > 1" }];
    await send({
      id: "k4",
      type: "execute-snapshot",
      data: { "data-collections": ["public.a"], "additional-conditions": bad },
    });
    await until("COMPLETED", 4);
    await each(async ({ file }) =>
      writeFileSync(
        file,
        '{"id":"f1","type":"execute-snapshot","data":{"type":"blocking","data-collections":["public.a","public.b"]}}\n',
      ),
    );
    await until("COMPLETED", 5);
    await execute(
      sql,
      "select pg_replication_origin_create('elsewhere')",
      "select pg_replication_origin_session_setup('elsewhere')",
      "insert into a values (6, 'not sent')",
    );
    await execute(sql, "insert into a values (7, 'sent')");
    await each(({ collector }) =>
      collector.until((records) =>
        (records.get(`${NAME}.public.a`) ?? []).some(({ value }) => value?.includes('"v":"sent"')),
      ),
    );
    await each(({ collector }) => collector.readToEnd());
    const [real, ours] = sides.map(({ collector }) => collector.records);
    expect(notesOf(ours!).map(comparable)).toEqual(notesOf(real!).map(comparable));
    const schemaOf = (records: typeof real) =>
      records!
        .get(NOTES)!
        .map(({ key, value }) => [key, value].map((text) => JSON.stringify(JSON.parse(text!).schema)));
    expect(schemaOf(ours)).toEqual(schemaOf(real));
    const rowsOf = (records: typeof real) =>
      records!.get(`${NAME}.public.a`)!.map(({ value }) => {
        const { payload } = JSON.parse(value!) as {
          payload: { op: string; after: unknown; source: { snapshot: string; xmin: number | null } };
        };
        const { snapshot, xmin } = payload.source;
        return [payload.op, payload.after, snapshot, typeof xmin];
      });
    expect(rowsOf(ours)).toEqual(rowsOf(real));
    expect(rowsOf(ours).at(-1)).toEqual(["c", { id: 7, v: "sent" }, "false", "number"]);
  });
});
