import { describe } from "vitest";
import { GUARDED_PROPERTIES, sourceSuite } from "../support/source-suite.js";
import { startLoginKafka } from "./login-kafka.js";
import { findPeers } from "./peers.js";

const { script, missing } = findPeers();

describe.skipIf(missing)("on Apache Kafka", () => {
  sourceSuite("what Kafka Connect's integration tests demand of sources", async () => {
    const { plainPort, saslPort, stop } = await startLoginKafka(script, GUARDED_PROPERTIES);
    return { rootPort: plainPort, loginPort: saslPort, stop };
  });
});
