import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { type RestAnswer, RestClient } from "../support/rest-client.js";
import { StatusWatch } from "../support/status-watch.js";
import { TopicReader } from "../support/topic-reader.js";
import { OurWorker } from "./our-worker.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const CONNECTORS = ["a", "b", "c", "d"];
const KEYS = 5;
const TTL = { "inter.worker.key.ttl.ms": "1000", "scheduled.rebalance.max.delay.ms": "0" };
const CONFIGS = { topic: "connect-configs", partition: 0 };

/** A group's workers refuse requests with 409 until a rebalance has ended. */
async function accepted(request: () => Promise<RestAnswer>): Promise<void> {
  for (;;) {
    const { status, body } = await request();
    if (status < 300) return;
    if (status !== 409) throw new Error(`${status}: ${JSON.stringify(body)}`);
  }
}

/**
 * The leader of a group renews the key with which its workers sign task configs for it (KIP-507). A key that lives for a
 * second changes between the signing and the check of some of them.
 */
describe.skipIf(missing)("session keys in one group of Java's worker and ours", () => {
  let broker: TestBroker;
  let folder: string;
  let peers: Peers;
  let ours: OurWorker | undefined;
  let statuses: StatusWatch | undefined;
  let configs: TopicReader | undefined;

  beforeEach(async () => {
    broker = await startTestBroker();
    folder = mkdtempSync(join(tmpdir(), "millrace-keys-"));
    const extra = join(folder, "extra.properties");
    const lines = Object.entries(TTL).map(([key, value]) => `\n${key}=${value}`);
    writeFileSync(extra, `${lines.join("")}\n`);
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap, WORKER_EXTRA: extra });
  });
  afterEach(async () => {
    await configs?.close();
    await statuses?.close();
    await ours?.stop();
    await peers?.stop();
    await broker?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const startOurs = async () => {
    ours = await OurWorker.start(broker.bootstrap, { ...TTL, "group.id": "connect-cluster" });
  };
  const keys = () => configs!.of(CONFIGS.topic).filter(({ key }) => key === "session-key");
  /** Resolves with the next key that the leader writes. */
  const nextKey = async () => {
    const count = keys().length;
    while (keys().length === count)
      await configs!.readTo(CONFIGS, (configs!.of(CONFIGS.topic).at(-1)?.offset ?? -1) + 2);
  };
  const settled = async (tasks: number) => {
    const all = await Promise.all(CONNECTORS.map((name) => statuses!.running(name, tasks)));
    return new Set(all.map(({ connector }) => connector!.workerId));
  };

  test.each(["Java's worker", "ours"])(
    "%s leads: task configs pass under each of its keys",
    {
      timeout: 600_000,
    },
    async (leader) => {
      // The first member of a group becomes its leader.
      const starts = [() => peers.startConnect(), startOurs];
      for (const start of leader === "ours" ? starts.reverse() : starts) await start();
      statuses = await StatusWatch.open(broker.bootstrap);
      configs = await TopicReader.open(broker.bootstrap, [CONFIGS.topic], "read_uncommitted");
      await configs.readToEnd();
      const sides = [new RestClient(peers.connectUrl, false), ours!.rest];
      const put = (side: RestClient, name: string, tasks: number) =>
        accepted(() =>
          side.put(`/connectors/${name}/config`, {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            file: join(folder, name),
            topics: "lines",
            "tasks.max": String(tasks),
          }),
        );
      const seen = new Set<string | null>();
      for (let round = 0; round < KEYS; round++) {
        await nextKey();
        seen.add(keys().at(-1)!.value);
        const tasks = 1 + (round % 2);
        for (const name of CONNECTORS) await put(sides[round % 2]!, name, tasks);
        // Each worker runs connectors: the follower's task configs reach the topic only with a signature.
        expect((await settled(tasks)).size).toBe(2);
      }
      expect(seen.size).toBe(KEYS);
    },
  );
});
