import { describe } from "vitest";
import { acceptanceSuite } from "../support/acceptance-suite.js";
import { recordSuite } from "../support/record-suite.js";
import { findRealKafka } from "./real-kafka.js";

const start = await findRealKafka();

describe.skipIf(!start)("Kafka Connect's own demands", () => {
  acceptanceSuite("of a worker on the real Kafka", () => start!());
  recordSuite("of a worker's records and failures on the real Kafka", () => start!());
});
