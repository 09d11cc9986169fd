import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChaosGroup, SOURCES } from "../support/chaos/chaos-group.js";
import { seedOf } from "../support/seed.js";
import { committedLines } from "./committed-lines.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
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

  // No deadline of its own: the group calls a step stuck that does not move, however slow the machine is.
  test(`neither loses nor repeats a line under ${BLOWS} blows`, { timeout: 0 }, async () => {
    const group = await ChaosGroup.start({ seed: seedOf("exactly once"), kafka: peers.bootstrap, exactlyOnce: true });
    try {
      for (let blow = 0; blow < BLOWS; blow++) console.log(await group.strike());
      await group.end();
      expect(group.faults, group.logs).toEqual([]);
      for (const source of SOURCES) {
        const lines = group.lines(source);
        expect(await committedLines(peers, source, lines.length)).toEqual(lines);
      }
    } finally {
      await group.stop();
    }
  });
});
