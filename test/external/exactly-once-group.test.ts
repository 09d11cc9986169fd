import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChaosGroup, SOURCES } from "../support/chaos-group.js";
import { seedOf } from "../support/seed.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer";
/** MILLRACE_BLOWS for a longer run. */
const BLOWS = Number(process.env["MILLRACE_BLOWS"] ?? 4);

describe.skipIf(missing)("a group of three workers on Apache Kafka with exactly-once sources", () => {
  let peers: Peers;
  beforeAll(async () => {
    peers = await Peers.prepare(script);
    await peers.startKafka();
  });
  afterAll(async () => {
    await peers?.stop();
  });

  /** What Java's consumer reads of a topic, if only committed records count. */
  const committed = async (topic: string, count: number): Promise<string[]> => {
    const read = await peers.tool(CONSOLE_CONSUMER, [
      ...["--bootstrap-server", peers.bootstrap, "--topic", topic, "--from-beginning"],
      // One more than there are: it ends by its timeout, which it prints as an error, or has one too many.
      ...["--isolation-level", "read_committed", "--max-messages", String(count + 1), "--timeout-ms", "20000"],
    ]);
    return read.split("\n").filter((line) => line !== "" && !/^\[|^org\.apache/.test(line));
  };

  test(`neither loses nor repeats a line under ${BLOWS} blows`, { timeout: 240_000 + 60_000 * BLOWS }, async () => {
    const group = await ChaosGroup.start({ seed: seedOf("exactly once"), kafka: peers.bootstrap, exactlyOnce: true });
    try {
      for (let blow = 0; blow < BLOWS; blow++) console.log(await group.strike());
      await group.end();
      expect(group.faults, group.logs).toEqual([]);
      for (const source of SOURCES) {
        const lines = group.lines(source);
        expect(await committed(source, lines.length)).toEqual(lines);
      }
    } finally {
      await group.stop();
    }
  });
});
