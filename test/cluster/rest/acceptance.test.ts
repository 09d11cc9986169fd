import { acceptanceSuite } from "../../support/acceptance-suite.js";
import { startTestBroker } from "../../support/broker.js";
import { recordSuite } from "../../support/record-suite.js";

async function start() {
  const broker = await startTestBroker();
  return { bootstrap: broker.bootstrap, stop: () => broker.close() };
}

acceptanceSuite("a worker on the bundled broker", start);
recordSuite("a worker's records and failures on the bundled broker", start);
