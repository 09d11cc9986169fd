import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import { fileText } from "../../support/file-watch.js";
import { RestClient } from "../../support/rest-client.js";
import { progressOf } from "../../support/topic-progress.js";
import { TopicReader } from "../../support/topic-reader.js";
import { findPeers, Peers } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import type { ClientRow } from "./client-table.js";
import { expectDocumented } from "./documented.js";

const { script, missing } = findPeers();
const VERSION = "4.3.1";
const WORKER = [
  "exactly.once.source.support=enabled",
  "scheduled.rebalance.max.delay.ms=0",
  "offset.flush.interval.ms=1000",
  // Whoever is killed is missed soon.
  "session.timeout.ms=6000",
  "heartbeat.interval.ms=1000",
];
const LINES = Array.from({ length: 3_000 }, (_, at) => `line ${at}`);
/** The source leaves lines in its buffer until it finds more in the file. */
const MORE = Array.from({ length: 2_000 }, (_, at) => `more ${at}`);
const CONVERTER = "org.apache.kafka.connect.storage.StringConverter";
const COMMON = { "tasks.max": "1", "key.converter": CONVERTER, "value.converter": CONVERTER };

describe.skipIf(missing)("the real Kafka Connect worker on the bundled broker", () => {
  const rows: ClientRow[] = [];
  let broker: BundledBroker;
  let peers: Peers;
  let folder: string;
  beforeAll(async () => {
    broker = await BundledBroker.start();
    folder = mkdtempSync(join(tmpdir(), "millrace-connect-"));
    const extra = join(folder, "worker.properties");
    writeFileSync(extra, `${WORKER.join("\n")}\n`);
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap, WORKER_EXTRA: extra });
    await peers.startConnect();
  });
  afterAll(async () => {
    await peers?.stop();
    await broker?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const kills: Readonly<Record<string, () => Promise<unknown>>> = {
    worker() {
      peers.killConnect();
      return peers.startConnect();
    },
    broker: () => broker.killAndRestart(),
  };

  test("its exactly-once source writes every line once and in order, whatever is killed; its sink reads them", async () => {
    const rest = new RestClient(peers.connectUrl, false);
    const [from, to] = [join(folder, "from.txt"), join(folder, "to.txt")];
    const progress = await progressOf(broker.bootstrap, "moved");
    writeFileSync(from, "");
    const text = `${LINES.join("\n")}\n`;
    const moved = fileText(to, (found) => found.startsWith(text));
    // A task that failed shows only as a time-out.
    onTestFailed(() => console.error(`The worker says: ${peers.log("connect")}`));
    await rest.create("from", {
      ...COMMON,
      "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
      "exactly.once.support": "required",
      "transaction.boundary": "poll",
      "batch.size": "25",
      file: from,
      topic: "moved",
    });
    let written = 0;
    for (const victim of ["worker", "broker"]) {
      const end = written + LINES.length / 3;
      appendFileSync(from, `${LINES.slice(written, end).join("\n")}\n`);
      // In the middle of its work: a part of what it writes is there, committed or not.
      await progress.reached(written + 200);
      await kills[victim]!();
      written = end;
    }
    appendFileSync(from, `${[...LINES.slice(written), ...MORE].join("\n")}\n`);
    await rest.create("to", {
      ...COMMON,
      "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
      file: to,
      topics: "moved",
      "consumer.override.auto.offset.reset": "earliest",
      "consumer.override.isolation.level": "read_committed",
    });
    await moved;
    expect((await rest.get("/connectors/from/status")).body).toMatchObject({ tasks: [{ state: "RUNNING" }] });
    const reader = await TopicReader.open(broker.bootstrap, ["moved"], "read_committed");
    await reader.readToEnd();
    const values = reader.of("moved").map(({ value }) => value);
    expect(values).toEqual([...LINES, ...MORE].slice(0, values.length));
    expect(values.length).toBeGreaterThanOrEqual(LINES.length);
    await reader.close();
    await progress.close();
    const steps = [
      "a file source with exactly.once.source.support=enabled",
      "kills of the worker and of the broker",
      "a file sink of committed records",
    ];
    rows.push({ client: "Kafka Connect", version: VERSION, steps, result: "passes" });
  });

  test("docs/compatibility.md says so", () => expectDocumented(rows));
});
