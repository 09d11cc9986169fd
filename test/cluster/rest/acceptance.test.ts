import { acceptanceSuite } from "../../support/acceptance-suite.js";
import { startTestBroker } from "../../support/broker.js";

acceptanceSuite("a worker on the bundled broker", async () => {
  const broker = await startTestBroker();
  return { bootstrap: broker.bootstrap, stop: () => broker.close() };
});
