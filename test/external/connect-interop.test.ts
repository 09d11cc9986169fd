import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorkerStack } from "../../src/app/stack-worker.js";
import { SystemClock } from "../../src/base/clock.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { fileText } from "../support/file-watch.js";
import { type RestAnswer, RestClient } from "../support/rest-client.js";
import { testWorkerProps } from "../support/stack.js";
import { StatusWatch } from "../support/status-watch.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const STRING = "org.apache.kafka.connect.storage.StringConverter";
const FILE = "org.apache.kafka.connect.file.";

/**
 * Asks again while the answer is 409: any change of a config makes the group rebalance, and until it has, both workers
 * refuse requests, as the original's documentation tells its callers to expect. @returns the first other status
 */
async function pastRebalances(request: () => Promise<RestAnswer>): Promise<number> {
  for (;;) {
    const { status } = await request();
    if (status !== 409) return status;
  }
}

/**
 * One cluster's topics, by turns in the hands of the real Kafka Connect and of ours: each goes on where the other was,
 * from what it reads of configs, offsets and statuses.
 */
describe.skipIf(missing)("the real Kafka Connect and ours on the same topics", () => {
  let broker: TestBroker;
  let peers: Peers;
  let statuses: StatusWatch;
  let folder: string;
  let ours: RunningWorker | undefined;
  const converters = { "key.converter": STRING, "value.converter": STRING };

  beforeAll(async () => {
    broker = await startTestBroker();
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap });
    folder = mkdtempSync(join(tmpdir(), "millrace-interop-"));
    await peers.startConnect();
    statuses = await StatusWatch.open(broker.bootstrap, "connect-status");
  });
  afterAll(async () => {
    await ours?.close();
    await statuses?.close();
    await peers?.stop();
    await broker?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const startOurs = async (props: Readonly<Record<string, string>> = {}) => {
    ours = await startWorkerStack({
      props: testWorkerProps(broker.bootstrap, {
        "group.id": "connect-cluster",
        "task.isolation": "none",
        "scheduled.rebalance.max.delay.ms": "0",
        ...props,
      }),
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
      levels: new LogLevels("off"),
      env: {},
      restOption: "listeners",
    });
    return new RestClient(ours.restUrl);
  };

  test("ours goes on with what the real one was running", async () => {
    const java = new RestClient(peers.connectUrl, false);
    const [from, to] = [join(folder, "from.txt"), join(folder, "to.txt")];
    writeFileSync(from, "one\n");
    const source = { ...converters, "connector.class": `${FILE}FileStreamSourceConnector`, file: from, topic: "lines" };
    const sink = { ...converters, "connector.class": `${FILE}FileStreamSinkConnector`, file: to, topics: "lines" };
    await java.create("from-ä🙂", source);
    await java.create("to", sink);
    await java.create("at-rest", { ...sink, file: join(folder, "rest.txt") });
    await statuses.running("from-ä🙂");
    await fileText(to, (text) => text === "one\n");
    await statuses.running("at-rest");
    expect((await java.put("/connectors/at-rest/stop")).status).toBe(204);
    await statuses.until("at-rest", ({ connector }) => connector?.state === "STOPPED");
    const before = (await java.get("/connectors?expand=info")).body as Record<string, { info: object }>;
    await peers.stopConnect();

    const rest = await startOurs();
    await statuses.running("from-ä🙂");
    await statuses.running("to");
    expect((await rest.get("/connectors?expand=info")).body).toEqual(before);
    expect((await rest.get("/connectors/at-rest/status")).body).toMatchObject({
      connector: { state: "STOPPED" },
      tasks: [],
    });
    expect((await rest.get(`/connectors/${encodeURIComponent("from-ä🙂")}/offsets`)).body).toEqual({
      offsets: [{ partition: { filename: from }, offset: { position: 4 } }],
    });
    appendFileSync(from, "two\n");
    expect(await fileText(to, (text) => text.includes("two\n"))).toBe("one\ntwo\n");
    await rest.create("made-by-ours", { ...sink, file: join(folder, "ours.txt") });
    await statuses.running("made-by-ours");
    await rest.put("/connectors/made-by-ours/pause");
    await statuses.until("made-by-ours", ({ tasks }) => tasks[0]?.[1].state === "PAUSED");
  });

  test("the real one goes on with what ours was running", async () => {
    const before = (await new RestClient(ours!.restUrl).get("/connectors?expand=info")).body as object;
    await ours!.close();
    ours = undefined;
    const resumed = statuses.running("from-ä🙂");
    await peers.startConnect();
    await resumed;
    const java = new RestClient(peers.connectUrl, false);
    expect((await java.get("/connectors?expand=info")).body).toEqual(before);
    await statuses.until("made-by-ours", ({ tasks }) => tasks[0]?.[1].state === "PAUSED");
    appendFileSync(join(folder, "from.txt"), "three\n");
    const text = await fileText(join(folder, "to.txt"), (all) => all.includes("three\n"));
    expect(text).toBe("one\ntwo\nthree\n");
  });

  /** All tasks run, some on each worker. */
  const workers = (name: string, tasks: number) =>
    statuses.until(
      name,
      (all) =>
        all.tasks.length === tasks &&
        new Set(all.tasks.map(([, { workerId }]) => workerId)).size === 2 &&
        all.tasks.every(([, { state }]) => state === "RUNNING"),
    );

  test("both work in one group, and share what there is", async () => {
    const rest = await startOurs();
    const sink = {
      ...converters,
      "connector.class": `${FILE}FileStreamSinkConnector`,
      topics: "lines",
      "tasks.max": "6",
    };
    await rest.create("shared", { ...sink, file: join(folder, "shared.txt") });
    await workers("shared", 6);
    const java = new RestClient(peers.connectUrl, false);
    for (const each of [java, rest]) {
      const config = { ...sink, file: join(folder, `${each === rest}.txt`) };
      expect(await pastRebalances(() => each.put("/connectors/shared/config", config))).toBe(200);
      expect(await pastRebalances(() => each.post("/connectors/shared/restart?includeTasks=true"))).toBe(202);
    }
    await workers("shared", 6);
    expect(await pastRebalances(() => rest.delete("/connectors/shared"))).toBe(204);
    await statuses.gone("shared");
  });

  test.each(["compatible", "eager"])(
    "a worker of ours with connect.protocol=%s takes the group to it",
    async (protocol) => {
      await ours!.close();
      const rest = await startOurs({ "connect.protocol": protocol });
      const sink = {
        ...converters,
        "connector.class": `${FILE}FileStreamSinkConnector`,
        topics: "lines",
        "tasks.max": "6",
      };
      await rest.create(protocol, { ...sink, file: join(folder, `${protocol}.txt`) });
      await workers(protocol, 6);
      const java = new RestClient(peers.connectUrl, false);
      const config = { ...sink, "tasks.max": "4", file: join(folder, `${protocol}-4.txt`) };
      expect(await pastRebalances(() => java.put(`/connectors/${protocol}/config`, config))).toBe(200);
      await workers(protocol, 4);
      expect(await pastRebalances(() => rest.delete(`/connectors/${protocol}`))).toBe(204);
      await statuses.gone(protocol);
    },
  );
});
