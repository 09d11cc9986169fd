import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { fileText } from "../support/file-watch.js";
import { RestClient } from "../support/rest-client.js";
import { StatusWatch } from "../support/status-watch.js";
import {
  FILE,
  type OffsetAnswer,
  type OffsetCase,
  RUNNING_CASES,
  STOPPED_CASES,
  TOPIC,
  ZOMBIE_CASES,
} from "./offset-cases.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const STRING = "org.apache.kafka.connect.storage.StringConverter";
const CONNECTORS = "org.apache.kafka.connect.file.FileStream";
const LINES = "one\ntwo\nthree\n";

/** One of the two workers, each on its own Kafka. */
interface Side {
  readonly rest: RestClient;
  readonly statuses: StatusWatch;
  readonly folder: string;
}

async function answers({ rest }: Side, cases: readonly OffsetCase[]): Promise<OffsetAnswer[]> {
  const all: OffsetAnswer[] = [];
  for (const { method, connector, body } of cases) {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    all.push(await rest.sendText(method, `/connectors/${connector}/offsets`, body, headers));
  }
  return all.map(({ status, body }) => ({ status, body: inOrder(body) }));
}

/**
 * The original lists offsets in the order of a hash map, and also those that a request has just removed, as null, until
 * it has read the removal back.
 */
function inOrder(body: unknown): unknown {
  const { offsets } = (body ?? {}) as { offsets?: { partition: object; offset: unknown }[] };
  if (!offsets) return body;
  const key = ({ partition }: { partition: object }) => JSON.stringify(Object.entries(partition).sort());
  return { offsets: offsets.filter(({ offset }) => offset !== null).sort((a, b) => (key(a) < key(b) ? -1 : 1)) };
}

/** The answers of one side to all cases, in order. */
async function run(side: Side): Promise<OffsetAnswer[]> {
  const { rest, statuses, folder } = side;
  const converters = { "key.converter": STRING, "value.converter": STRING };
  const out = (name: string) => join(folder, `${name}.txt`);
  const sink = { ...converters, "connector.class": `${CONNECTORS}SinkConnector`, topics: TOPIC };
  const source = { ...converters, "connector.class": `${CONNECTORS}SourceConnector`, file: FILE, topic: TOPIC };
  await rest.create("source", source);
  await statuses.running("source");
  await rest.create("sink", { ...sink, file: out("sink") });
  await fileText(out("sink"), (text) => text === LINES);
  const running = await answers(side, RUNNING_CASES);
  for (const name of ["source", "sink"]) {
    expect((await rest.put(`/connectors/${name}/stop`)).status).toBe(204);
    await statuses.until(name, ({ connector, tasks }) => connector?.state === "STOPPED" && tasks.length === 0);
  }
  await rest.create("fresh", { ...sink, file: out("fresh") }, "STOPPED");
  await statuses.until("fresh", ({ connector }) => connector?.state === "STOPPED");
  const stopped = await answers(side, STOPPED_CASES);
  await rest.create("zombie", { ...sink, "consumer.override.group.id": "connect-sink", file: out("zombie") });
  await fileText(out("zombie"), (text) => text === LINES);
  return [...running, ...stopped, ...(await answers(side, ZOMBIE_CASES))];
}

/**
 * The same requests about offsets to the real Kafka Connect and to ours: the same statuses and bodies, but for the
 * differences that the cases list with their reasons.
 */
describe.skipIf(missing)("offsets over REST, on the real Kafka Connect and on ours", () => {
  const cases = [...RUNNING_CASES, ...STOPPED_CASES, ...ZOMBIE_CASES];
  const folder = mkdtempSync(join(tmpdir(), "millrace-offsets-"));
  let peers: Peers | undefined;
  let broker: TestBroker | undefined;
  let ours: OurWorker | undefined;
  let theirAnswers: OffsetAnswer[];
  let ourAnswers: OffsetAnswer[];

  const runOn = async (name: string, rest: RestClient, kafka: string) => {
    const statuses = await StatusWatch.open(kafka, "connect-status");
    try {
      return await run({ rest, statuses, folder: mkdtempSync(join(folder, name)) });
    } finally {
      await statuses.close();
    }
  };

  beforeAll(async () => {
    writeFileSync(FILE, LINES);
    peers = await Peers.prepare(script);
    await peers.startKafka();
    await peers.startConnect();
    theirAnswers = await runOn("theirs", new RestClient(peers.connectUrl), peers.bootstrap);
    await peers.stop();
    peers = undefined;
    broker = await startTestBroker();
    ours = await OurWorker.start(broker.bootstrap);
    ourAnswers = await runOn("ours", ours.rest, broker.bootstrap);
  });
  afterAll(async () => {
    await peers?.stop();
    await ours?.stop();
    await broker?.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(FILE, { force: true });
  });

  test.each(cases.map((each, index) => [index, `${each.method} ${each.connector} ${each.body ?? ""}`] as const))(
    "%i: %s",
    (index) => {
      const { differs } = cases[index]!;
      const [theirs, own] = [theirAnswers[index]!, ourAnswers[index]!];
      if (differs === undefined) {
        expect(own).toEqual(theirs);
        return;
      }
      expect(own, "this difference is gone").not.toEqual(theirs);
      if (differs === "mistake") {
        const { message } = theirs.body as { message: string };
        expect(theirs.status).toBe(500);
        expect(own).toEqual({ status: 400, body: { error_code: 400, message } });
        return;
      }
      const { status, message } = differs;
      const error = status >= 400 ? { error_code: status } : {};
      expect(own, differs.why).toEqual({ status, body: { ...error, message: expect.stringMatching(message) } });
    },
  );
});
