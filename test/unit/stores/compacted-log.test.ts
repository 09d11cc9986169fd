import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { CompactedLog } from "../../../src/stores/compacted-log.js";
import { MemoryLog } from "../../support/memory-log.js";

const record = (text: string) => ({ key: Buffer.from(text), value: Buffer.from("1") });

async function openLog(transport = new MemoryLog(2)) {
  const clock = new SimClock();
  const folded: string[] = [];
  const log = new CompactedLog({
    topic: "states",
    transport,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    apply: ({ records }) => folded.push(...records.map(({ key }) => String(key))),
  });
  return { transport, clock, folded, log };
}

describe("a compacted log", () => {
  test("has folded everything that was there when it has started", async () => {
    const transport = new MemoryLog(2);
    for (const text of ["a", "bb", "ccc"]) transport.append(record(text));
    const { log, folded } = await openLog(transport);
    await log.start();
    expect(folded.sort()).toEqual(["a", "bb", "ccc"]);
    await log.close();
  });

  test("folds its own writes when they come back, not before", async () => {
    const { log, folded, transport } = await openLog();
    await log.start();
    transport.held = true;
    await log.send([record("own")]);
    expect(folded).toEqual([]);
    const caughtUp = log.readToEnd();
    transport.held = false;
    transport.wake();
    await caughtUp;
    expect(folded).toEqual(["own"]);
    await log.close();
  });

  test("waits at the barrier for what another worker wrote before the call, in every partition", async () => {
    const { log, folded, transport } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    transport.append(record("bb"));
    let reached = false;
    const barrier = log.readToEnd().then(() => {
      reached = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(reached).toBe(false);
    transport.held = false;
    transport.wake();
    await barrier;
    expect(folded.sort()).toEqual(["a", "bb"]);
    await log.close();
  });

  test("tells who waits when reading fails, and goes on reading after a pause", async () => {
    const { log, folded, transport, clock } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    const barrier = log.readToEnd();
    const refused = expect(barrier).rejects.toMatchObject({ name: "RetriableError", code: "STORE_UNREADABLE" });
    await new Promise((resolve) => setImmediate(resolve));
    transport.pollError = new Error("not authorized");
    transport.wake();
    await refused;
    transport.held = false;
    await clock.advance(1_000);
    await log.readToEnd();
    expect(folded).toEqual(["a"]);
    await log.close();
  });

  test("fails a write with the broker's refusal as cause", async () => {
    const { log, transport } = await openLog();
    await log.start();
    transport.sendError = new Error("no leader");
    await expect(log.send([record("a")])).rejects.toMatchObject({
      code: "STORE_UNWRITABLE",
      message: "Error writing to Kafka: topic states: no leader",
      cause: { message: "no leader" },
    });
    await log.close();
  });

  test("fails a write that nobody acknowledges for 30 seconds", async () => {
    const { log, transport, clock } = await openLog();
    await log.start();
    transport.sendGate = new Promise(() => {});
    const refused = expect(log.send([record("a")])).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
    await clock.advance(30_000);
    await refused;
    expect(clock.pendingTimers).toBe(0);
    await log.close();
  });

  test("tells who waits that it was closed", async () => {
    const { log, transport } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    const refused = expect(log.readToEnd()).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await new Promise((resolve) => setImmediate(resolve));
    await log.close();
    await refused;
  });
});
