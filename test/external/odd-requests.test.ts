import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KAFKA_ODD_ANSWERS, oddAnswers } from "../support/odd-requests.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const TIMEOUT_MS = 300_000;

describe.skipIf(missing)("odd requests", () => {
  let peers: Peers;
  beforeAll(async () => {
    peers = await Peers.prepare(script);
    await peers.startKafka();
  }, TIMEOUT_MS);
  afterAll(() => peers?.stop());

  test("are answered by Apache Kafka as the cluster ring expects of the bundled broker", {
    timeout: TIMEOUT_MS,
  }, async () => {
    expect(await oddAnswers(Number(peers.bootstrap.split(":")[1]))).toEqual(KAFKA_ODD_ANSWERS);
  });
});
