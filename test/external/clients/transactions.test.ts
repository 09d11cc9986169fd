import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafkaClient } from "../../support/kafka-client.js";
import { findPeers, installPeers } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import { pythonCommand } from "./client-cache.js";
import { runClient } from "./client-program.js";
import { COMPRESSION } from "./compression-packages.js";
import { JavaTools } from "./java-tools.js";

const { script, missing } = findPeers();
const CLIENTS = [
  { program: "confluent_client", packages: ["confluent-kafka==2.16.1"] },
  { program: "kafka_python_client", packages: ["kafka-python==2.3.3", ...COMPRESSION] },
  { program: "kafka_python_client", packages: ["kafka-python==3.0.12", ...COMPRESSION] },
];

describe.skipIf(missing)("transactions of one client library, read with another, on the bundled broker", () => {
  let broker: BundledBroker;
  let java: JavaTools;
  beforeAll(async () => {
    const logging = `-Dlog4j2.configurationFile=${join(dirname(script), "log4j2.properties")}`;
    java = new JavaTools([join(await installPeers(script), "libs")], [logging]);
    broker = await BundledBroker.start();
  });
  afterAll(() => broker?.stop());

  async function readByJava(topic: string, isolation: string, count: number): Promise<string[]> {
    const read = await java.run("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", broker.bootstrap, "--topic", topic, "--from-beginning"],
      ...["--isolation-level", isolation, "--max-messages", String(count), "--timeout-ms", "60000"],
    ]);
    return read.trimEnd().split("\n");
  }

  test.for(CLIENTS)("$packages.0 and Java: neither sees what the other has aborted", async (client, { skip }) => {
    const [name = ""] = client.packages;
    const command = await pythonCommand(client.program, client.packages).catch((error: unknown) => String(error));
    if (typeof command === "string") {
      console.warn(`\n*** ${name} beside Java is SKIPPED: ${command} ***\n`);
      return skip(command);
    }
    const prefix = name.replace(/[^a-z0-9.]+/g, "-");
    const admin = kafkaClient(broker.bootstrap);
    await admin.admin.createTopics([{ name: `${prefix}-foreign`, partitions: 1, replicationFactor: -1 }]);
    await admin.close();
    await java.run(join(import.meta.dirname, "java", "Transactions.java"), [broker.bootstrap, `${prefix}-foreign`]);
    const args = [broker.bootstrap, prefix, "produce", "transactions", "foreign"];
    const { row, failure } = await runClient(name, command, args);
    expect(failure).toBeUndefined();
    expect(row.steps).toHaveLength(3);
    expect(await readByJava(`${prefix}-transactions`, "read_committed", 2)).toEqual(["first", "last"]);
    const all = ["first", "aborted", "last"];
    expect(await readByJava(`${prefix}-transactions`, "read_uncommitted", 3)).toEqual(all);
  });
});
