import { startTestBroker } from "../../support/broker.js";
import { GUARDED_PROPERTIES, sourceSuite } from "../../support/source-suite.js";

sourceSuite("what Kafka Connect's integration tests demand of sources, on the bundled broker", async () => {
  const listeners = "PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:0";
  const broker = await startTestBroker({ properties: { listeners, ...GUARDED_PROPERTIES } });
  const [rootPort, loginPort] = [broker.portOf("PLAINTEXT"), broker.portOf("SASL_PLAINTEXT")];
  return { rootPort, loginPort, stop: () => broker.close() };
});
