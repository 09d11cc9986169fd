import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { CompactedLog } from "../../../src/stores/compacted-log.js";
import { MemoryLog } from "../../support/memory-log.js";

const record = (text: string) => ({ key: Buffer.from(text), value: Buffer.from("1") });

async function openLog(transport = new MemoryLog(2)) {
  const clock = new SimClock();
  const warnings: unknown[] = [];
  const logger = { ...silentLogger, warn: (_message: string, fields?: object) => void warnings.push(fields) };
  const folded: string[] = [];
  const log = new CompactedLog({
    topic: "states",
    transport,
    clock,
    random: new SeededRandom(1),
    logger,
    fold: {
      apply: ({ key }) => {
        if (String(key) === "poison") throw new RangeError("Maximum call stack size exceeded");
        folded.push(String(key));
        return undefined;
      },
    },
  });
  return { transport, clock, folded, log, warnings };
}

describe("a compacted log", () => {
  test("has folded the topic's content once it has started", async () => {
    const transport = new MemoryLog(2);
    for (const text of ["a", "bb", "ccc"]) transport.append(record(text));
    const { log, folded } = await openLog(transport);
    await log.start();
    expect(folded.sort()).toEqual(["a", "bb", "ccc"]);
    await log.close();
  });

  test("folds its own writes when they return, not before", async () => {
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

  test("waits at the barrier for another worker's earlier writes, in every partition", async () => {
    const { log, folded, transport, clock } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    transport.append(record("bb"));
    let reached = false;
    const barrier = log.readToEnd().then(() => {
      reached = true;
    });
    await clock.settled();
    expect(reached).toBe(false);
    transport.held = false;
    transport.wake();
    await barrier;
    expect(folded.sort()).toEqual(["a", "bb"]);
    await log.close();
  });

  test("rejects waiting callers when reading fails, and resumes reading after a pause", async () => {
    const { log, folded, transport, clock } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    const barrier = log.readToEnd();
    const refused = expect(barrier).rejects.toMatchObject({ name: "RetriableError", code: "STORE_UNREADABLE" });
    await clock.settled();
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

  test("fails a write that is not acknowledged for 30 seconds", async () => {
    const { log, transport, clock } = await openLog();
    await log.start();
    transport.sendGate = new Promise(() => {});
    const refused = expect(log.send([record("a")])).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
    await clock.advance(30_000);
    await refused;
    expect(clock.pendingTimers).toBe(0);
    await log.close();
  });

  test("skips a record that cannot be folded, with a warning about its position, and reads on", async () => {
    const { log, folded, transport, warnings } = await openLog();
    for (const text of ["before", "poison", "after!"]) transport.append(record(text));
    await log.start();
    expect(folded).toEqual(["before", "after!"]);
    expect(warnings).toEqual([
      { topic: "states", partition: 0, offset: 1, key: "poison", why: "Maximum call stack size exceeded" },
    ]);
    await log.close();
  });

  test("writes all records again, in order, when the broker may accept another attempt", async () => {
    const { log, transport, clock } = await openLog(new MemoryLog(1));
    await log.start();
    transport.fates.push("refused", "answer-lost");
    const sent = log.send([record("a"), record("b")]);
    await clock.advance(1_000);
    await sent;
    expect(transport.texts.map(([key]) => key)).toEqual(["a", "b", "a", "b"]);
    await log.close();
  });

  test("checks before every attempt that the write is still permitted", async () => {
    const { log, transport, clock } = await openLog();
    await log.start();
    transport.fates.push("refused", "refused");
    const asked: number[] = [];
    const sent = log.send([record("a")], (attempts) => {
      asked.push(attempts);
      if (attempts === 2) throw new Error("another worker leads");
    });
    const refused = expect(sent).rejects.toThrow("another worker leads");
    await clock.advance(5_000);
    await refused;
    expect(asked).toEqual([0, 1, 2]);
    expect(transport.texts).toEqual([]);
    await log.close();
  });

  test("writes nothing after its caller has given up, except the attempt in flight", async () => {
    const { log, transport, clock } = await openLog(new MemoryLog(1));
    await log.start();
    const gate = deferred();
    transport.sendGate = gate.promise;
    for (const text of ["first", "second", "third"]) {
      const refused = expect(log.send([record(text)])).rejects.toMatchObject({ code: "STORE_UNWRITABLE" });
      await clock.advance(30_000);
      await refused;
    }
    expect(transport.sends).toBe(1);
    gate.resolve();
    await log.send([record("fourth")]);
    expect(transport.texts.map(([key]) => key)).toEqual(["first", "fourth"]);
    await log.close();
  });

  test("gives up waiting for the end after 30 seconds, at any hanging step", async () => {
    const { log, transport, clock } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    const unread = expect(log.readToEnd()).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await clock.advance(30_000);
    await unread;
    transport.endsGate = new Promise(() => {});
    const unanswered = expect(log.readToEnd(3_000)).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await clock.advance(3_000);
    await unanswered;
    expect(clock.pendingTimers).toBe(0);
    await log.close();
  });

  test("rejects waiting callers when it is closed", async () => {
    const { log, transport, clock } = await openLog();
    await log.start();
    transport.held = true;
    transport.append(record("a"));
    const refused = expect(log.readToEnd()).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await clock.settled();
    await log.close();
    await refused;
  });
});
