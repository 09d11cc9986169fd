import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimClock, SystemClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import {
  DataFolderLock,
  DataFolderLockedError,
  DataFolderLostError,
  WATCH_MS,
} from "../../../src/broker/data-folder/data-folder-lock.js";
import { startBroker } from "../../../src/broker/start-broker.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";
import { brokerProgram } from "../../support/broker-process.js";
import { MillraceProcess } from "../../support/millrace-process.js";

let folder: string;
let lockFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-lock-"));
  lockFile = join(folder, ".lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A contender as if in its own container, where every first process has id 1. */
class Container {
  readonly lost: DataFolderLostError[] = [];
  constructor(
    readonly name: string,
    readonly clock = new SimClock(),
  ) {}

  take(): Promise<DataFolderLock> {
    return DataFolderLock.take({
      folder,
      clock: this.clock,
      logger: silentLogger,
      onLost: (cause) => this.lost.push(cause),
      self: { pid: 1, started: "100", place: `boot ${this.name}`, host: this.name },
    });
  }

  /** Takes the lock while time passes only for this contender: all others are suspended. */
  async takeAlone(): Promise<DataFolderLock> {
    const taken = this.take();
    await this.clock.advance(WATCH_MS);
    return taken;
  }
}

const holderIn = (path: string) => JSON.parse(readFileSync(path, "utf8")) as { host: string };

describe("from another namespace or host", () => {
  test("a holder with a heartbeat keeps the lock", async () => {
    const clock = new SimClock();
    const [a, b] = [new Container("a", clock), new Container("b", clock)];
    const lock = await a.take();
    const refused = expect(b.take()).rejects.toThrow(/process 1 on a/);
    await clock.advance(WATCH_MS);
    await refused;
    expect(lock.isHeld()).toBe(true);
    lock.release();
    expect(existsSync(lockFile)).toBe(false);
  });

  test("a lock without a heartbeat is taken over, and its holder writes nothing when it resumes", async () => {
    const [a, b] = [new Container("a"), new Container("b")];
    const lockOfA = await a.take();
    const lockOfB = await b.takeAlone();
    expect(holderIn(lockFile).host).toBe("b");
    // A was suspended and resumes: whichever its event loop runs first, a write or its beat.
    const standing = a.clock.monotonicMs();
    a.clock.monotonicMs = () => standing + 60_000;
    expect(() => lockOfA.check()).toThrow(DataFolderLostError);
    await a.clock.advance(1000);
    expect(a.lost).toHaveLength(1);
    lockOfA.release();
    expect(lockOfB.isHeld()).toBe(true);
    expect(holderIn(lockFile).host).toBe("b");
  });

  test("of two that find the same dead lock, one gets it", async () => {
    await new Container("a").take();
    const clock = new SimClock();
    const both = [new Container("b", clock), new Container("c", clock)];
    const taken = Promise.allSettled(both.map((each) => each.take()));
    await clock.advance(3 * WATCH_MS);
    const outcomes = await taken;
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const winner = outcomes[0]!.status === "fulfilled" ? "b" : "c";
    expect(holderIn(lockFile).host).toBe(winner);
    expect(both.flatMap(({ lost }) => lost)).toEqual([]);
  });

  test("a lock without a name yet is watched, and writing the name is a sign of life", async () => {
    const b = new Container("b");
    writeFileSync(lockFile, "");
    const refused = expect(b.take()).rejects.toThrow(DataFolderLockedError);
    await b.clock.advance(1000);
    writeFileSync(lockFile, '{"pid":1,"started":"1","place":"elsewhere","host":"a"}');
    await b.clock.advance(WATCH_MS);
    await refused;
  });

  test("a lock that is released while it is watched is taken at once", async () => {
    const [a, b] = [new Container("a"), new Container("b")];
    const lock = await a.take();
    const taken = b.take();
    lock.release();
    await b.clock.advance(1000);
    expect((await taken).isHeld()).toBe(true);
  });
});

test("a lock file that is deleted costs the broker its folder after two beats", async () => {
  const a = new Container("a");
  await a.take();
  rmSync(lockFile);
  await a.clock.advance(1000);
  expect(a.lost).toEqual([]);
  await a.clock.advance(1000);
  expect(a.lost).toHaveLength(1);
});

test("a broker whose folder was taken over appends nothing more and ends", async () => {
  const clock = new SimClock();
  const logger = silentLogger;
  const broker = await startBroker({
    dataDir: folder,
    listen: "127.0.0.1:0",
    clock,
    random: new SystemRandom(),
    logger,
  });
  const client = await BrokerClient.connect(broker.port);
  const name = "orders";
  const configs = [{ name: "flush.messages", value: "1" }];
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
  await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  const log = join(folder, "orders-0", "00000000000000000000.log");
  const send = async () => {
    const topicData = [{ name, partitionData: [{ index: 0, records: batchOf([{ value: "v" }]) }] }];
    const { responses } = await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData });
    return responses[0]!.partitionResponses[0]!.errorCode;
  };
  expect(await send()).toBe(ErrorCodes.NONE);
  const { size } = statSync(log);
  // It is suspended, and meanwhile another broker takes the folder.
  rmSync(lockFile);
  writeFileSync(lockFile, "another broker");
  const standing = clock.monotonicMs();
  clock.monotonicMs = () => standing + 60_000;
  expect(await send()).toBe(ErrorCodes.KAFKA_STORAGE_ERROR);
  const ended = expect(broker.ended).rejects.toThrow(DataFolderLostError);
  await clock.advance(1000);
  await ended;
  client.close();
  expect(statSync(log).size).toBe(size);
  expect(readFileSync(lockFile, "utf8")).toBe("another broker");
});

test("'millrace broker' watches whether a lock from elsewhere is alive, and names its holder", async () => {
  const dataDir = join(folder, "broker");
  mkdirSync(dataDir);
  const lock = await DataFolderLock.take({
    folder: dataDir,
    clock: new SystemClock(),
    logger: silentLogger,
    onLost: () => undefined,
    self: { pid: 1, started: "100", place: "boot elsewhere", host: "container-a" },
  });
  const refused = new MillraceProcess(["broker", "--data", folder, "--listen", "127.0.0.1:0"]);
  expect(await refused.exited).toBe("status 2");
  expect(refused.log).toMatch(/^millrace: Data folder .* is in use by another broker \(process 1 on container-a\)/m);
  lock.release();
});

const canUnshare = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;
if (!canUnshare)
  console.warn("SKIPPED: no PID namespace can be made here (unshare --pid), so the lock is tested without a real one");

describe.runIf(canUnshare)("in a real PID namespace", () => {
  let child: ChildProcess | undefined;
  afterEach(() => {
    child?.kill("SIGKILL");
  });

  test("a broker keeps its data folder from a broker outside", async () => {
    const { args, cwd } = brokerProgram(folder);
    const command = ["--pid", "--fork", "--mount-proc", "--kill-child", process.execPath, ...args];
    child = spawn("unshare", command, { cwd, stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout!, "data");
    const outside = startBroker({
      dataDir: folder,
      listen: "127.0.0.1:0",
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
    });
    await expect(outside).rejects.toThrow(DataFolderLockedError);
  });
});
