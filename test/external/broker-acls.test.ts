import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTopics } from "../../src/protocol/apis/create-topics.js";
import { saslAuthenticate } from "../../src/protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../src/protocol/apis/sasl-handshake.js";
import { ACL_CASES } from "../support/acl-matrix.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { startLoginKafka } from "./login-kafka.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required";
const AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
const ADMIN = "org.apache.kafka.tools.AclCommand";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-acls-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function login(port: number, user: string): Promise<BrokerClient> {
  const client = await BrokerClient.connect(port);
  await client.request(saslHandshake, 1, { mechanism: "PLAIN" });
  await client.request(saslAuthenticate, 2, { authBytes: Buffer.from(`\0${user}\0secret`) });
  return client;
}

describe.skipIf(missing)("what ACLs decide", () => {
  test("is on Apache Kafka what the cluster ring expects of the bundled broker", async () => {
    const kafka = await startLoginKafka(script, {
      "sasl.enabled.mechanisms": "PLAIN",
      "listener.name.sasl_plaintext.plain.sasl.jaas.config": `${PLAIN_LOGIN} user_root="secret" user_ann="secret";`,
      "authorizer.class.name": AUTHORIZER,
      "super.users": "User:ANONYMOUS;User:root",
      "allow.everyone.if.no.acl.found": "false",
    });
    try {
      const root = await login(kafka.saslPort, "root");
      const topics = [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
      await root.request(createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false });
      root.close();
      const ann = await login(kafka.saslPort, "ann");
      const denied: Record<string, readonly number[]> = {};
      for (const { label, ask } of ACL_CASES) denied[label] = await ask(ann);
      expect(denied).toEqual(Object.fromEntries(ACL_CASES.map((each) => [each.label, each.denied])));
      ann.close();
    } finally {
      await kafka.stop();
    }
  });
});

describe.skipIf(missing)("the stock tools on the bundled broker", () => {
  let broker: TestBroker;
  let peers: Peers;
  beforeAll(async () => {
    broker = await startTestBroker({
      scramUsers: [{ name: "root", mechanism: "SCRAM-SHA-512", password: "root-secret", iterations: 4096 }],
      properties: {
        listeners: "SASL_SSL://127.0.0.1:0",
        "ssl.keystore.location": join(import.meta.dirname, "../support/tls/worker.pem"),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "authorizer.class.name": AUTHORIZER,
        "super.users": "User:root",
      },
    });
    peers = await Peers.prepare(script);
    for (const user of ["root", "ann"]) {
      writeFileSync(
        join(folder, user),
        [
          "security.protocol=SASL_SSL",
          "ssl.truststore.type=PEM",
          `ssl.truststore.location=${join(import.meta.dirname, "../support/tls/ca.pem")}`,
          "sasl.mechanism=SCRAM-SHA-512",
          `sasl.jaas.config=${SCRAM_LOGIN} username="${user}" password="${user}-secret";`,
        ].join("\n"),
      );
    }
  });
  afterAll(async () => {
    await peers?.stop();
    await broker?.close();
  });

  test("add a user and its ACLs, and the user writes and reads", async () => {
    const server = ["--bootstrap-server", broker.bootstrap];
    const as = (user: string) => ["--command-config", join(folder, user)];
    const ann = ["--entity-type", "users", "--entity-name", "ann"];
    const credential = ["--add-config", "SCRAM-SHA-512=[password=ann-secret]"];
    await peers.tool("kafka.admin.ConfigCommand", [...server, ...as("root"), "--alter", ...ann, ...credential]);
    const create = [...server, "--create", "--topic", "t", "--partitions", "1"];
    await peers.tool("org.apache.kafka.tools.TopicCommand", [...create, ...as("root")]);
    const both = ["--producer", "--consumer", "--topic", "t", "--group", "g"];
    await peers.tool(ADMIN, [...server, ...as("root"), "--add", "--allow-principal", "User:ann", ...both]);
    expect(await peers.tool(ADMIN, [...server, ...as("root"), "--list"])).toMatch(
      /resourceType=TOPIC, name=t.*[\s\S]*principal=User:ann, host=\*, operation=WRITE, permissionType=ALLOW/,
    );
    const produce = [...server, "--topic", "t", "--command-config", join(folder, "ann")];
    await peers.tool("org.apache.kafka.tools.ConsoleProducer", produce, "one\ntwo\n");
    const consume = [...server, "--topic", "t", "--from-beginning", "--group", "g", "--max-messages", "2"];
    const read = await peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [...consume, ...as("ann")]);
    expect(read.trim().split("\n")).toEqual(["one", "two"]);
  });
});
