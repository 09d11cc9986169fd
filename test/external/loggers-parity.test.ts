import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningWorker, startWorkerStack } from "../../src/app/stack-worker.js";
import { SystemClock } from "../../src/base/clock.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { RestClient } from "../support/rest-client.js";
import { testWorkerProps } from "../support/stack.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();

/** Requests in order: each follows from those before it. Ours refuses a body that is wrong with 400, not with 500. */
const REQUESTS: readonly (readonly [method: string, path: string, body?: string])[] = [
  ["PUT", "root", '{"level":"WARN"}'],
  ["GET", "parity.a"],
  ["PUT", "parity.a.b", '{"level":"debug"}'],
  ["GET", "parity.a.b"],
  ["GET", "parity.a"],
  ["PUT", "parity.a.b", '{"level":"DEBUG"}'],
  ["PUT", "parity.a.c", '{"level":"WARN"}'],
  ["GET", "parity.a.c"],
  ["PUT", "parity.a", '{"level":"Trace"}'],
  ["GET", "parity.a.c"],
  ["PUT", "parity.a.later", '{"level":"TRACE"}'],
  ["GET", "parity.a.later"],
  ["PUT", "par", '{"level":"ERROR"}'],
  ["PUT", "parity.off", '{"level":"OFF"}'],
  ["GET", "parity.off"],
  ["PUT", "parity.all", '{"level":"ALL"}'],
  ["PUT", "parity.fatal", '{"level":"FATAL"}'],
  ["PUT", "parity%20blank", '{"level":" INFO "}'],
  ["PUT", "parity.x?scope=everywhere", '{"level":"INFO"}'],
  ["PUT", "parity.x?scope=", '{"level":"DEBUG"}'],
  ["PUT", "parity.x?scope=WORKER", '{"level":"INFO","more":"ignored"}'],
  ["PUT", "parity.y", '{"level":"loud"}'],
  ["PUT", "parity.y", '{"level":5}'],
  ["PUT", "parity.y", '{"level":true}'],
  ["PUT", "parity.y", "{}"],
  ["PUT", "parity.y", '{"level":null}'],
  ["PUT", "parity.y", '{"Level":"INFO"}'],
  ["PUT", "parity.y", '{"level":{}}'],
  ["PUT", "parity.y", '["INFO"]'],
  ["PUT", "parity.y", "null"],
  ["PUT", "parity.y", "{"],
  ["PUT", "parity.y", ""],
  ["PUT", "parity.y?scope=cluster", '{"level":"loud"}'],
  ["PUT", "parity.y?scope=cluster", "{}"],
  ["GET", "parity.y"],
  ["PUT", "", '{"level":"INFO"}'],
  ["POST", "root", '{"level":"INFO"}'],
  ["DELETE", "root"],
  ["OPTIONS", "root"],
  ["OPTIONS", ""],
  ["GET", ""],
  ["PUT", "ROOT", '{"level":"error"}'],
  ["GET", "Root"],
  ["GET", "parity.a.b"],
];

/** What must be equal: statuses, the names and levels of loggers that both have, and the beginnings of messages. */
function comparable(status: number, body: unknown): unknown {
  if (status >= 400) {
    const message = String((body as { message?: unknown }).message);
    // Faults of a body are worded differently, and the original calls them its own.
    const isBodyFault = status === 500 || (status === 400 && !message.startsWith("Desired"));
    return isBodyFault ? "a faulty body" : [status, message.replace(/\.( .*)?$/, ".")];
  }
  const isShared = (name: string) => name === "root" || name.startsWith("par");
  if (Array.isArray(body)) return [status, body.filter((name) => isShared(name))];
  if (typeof body !== "object" || body === null) return [status, body];
  if ("level" in body) return [status, levelOf(body)];
  const shared = Object.entries(body).filter(([name]) => isShared(name));
  return [status, shared.map(([name, logger]) => [name, levelOf(logger)])];
}

function levelOf(logger: object): unknown {
  const { level, last_modified: modified, ...others } = logger as Record<string, unknown>;
  return [level, modified === null ? null : typeof modified, others];
}

/** Both read one config topic, each as the only worker of its group. */
describe.skipIf(missing)("/admin/loggers of the real Kafka Connect and of ours", () => {
  const levels = new LogLevels("warn");
  let broker: TestBroker;
  let peers: Peers;
  let worker: RunningWorker;
  let java: RestClient;
  let ours: RestClient;

  beforeAll(async () => {
    broker = await startTestBroker();
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap });
    await peers.startConnect();
    worker = await startWorkerStack({
      props: testWorkerProps(broker.bootstrap, { "group.id": "ours", "task.isolation": "none" }),
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
      levels,
      env: {},
      restOption: "listeners",
    });
    java = new RestClient(peers.connectUrl, false);
    ours = new RestClient(worker.restUrl);
  });
  afterAll(async () => {
    await worker?.close();
    await peers?.stop();
    await broker?.close();
  });

  test("every request is answered alike", async () => {
    // A first change, so that both have a time for it: their roots begin at different levels.
    for (const rest of [java, ours]) await rest.put("/admin/loggers/root", { level: "INFO" });
    const answers = async (rest: RestClient) => {
      const found: unknown[] = [];
      for (const [method, path, body] of REQUESTS) {
        const answer = await rest.sendText(method, `/admin/loggers/${path}`, body);
        found.push([method, path, body, comparable(answer.status, answer.body)]);
      }
      return found;
    };
    expect(await answers(ours)).toEqual(await answers(java));
  });

  test("a level for the cluster that either is asked for reaches both", async () => {
    const heard = new Promise((resolve) => levels.onChange(resolve));
    expect((await java.put("/admin/loggers/parity.java?scope=cluster", { level: "debug" })).status).toBe(204);
    await heard;
    expect((await ours.get("/admin/loggers/parity.java")).body).toMatchObject({ level: "DEBUG" });

    expect((await ours.put("/admin/loggers/parity.ours?scope=cluster", { level: "trace" })).status).toBe(204);
    const asked = () => java.get("/admin/loggers/parity.ours");
    let answer = await asked();
    // The original creates a logger before it sets its level.
    while ((answer.body as { level?: unknown }).level !== "TRACE") answer = await asked();
  });
});
