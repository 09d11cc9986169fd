import { afterAll, beforeAll, expect, test } from "vitest";
import { type LogFields, silentLogger } from "../../../src/base/logger.js";
import { OPERATIONS, RESOURCE_TYPES } from "../../../src/broker/access/acl.js";
import { createAcls } from "../../../src/protocol/apis/create-acls.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { deleteAcls } from "../../../src/protocol/apis/delete-acls.js";
import { describeAcls } from "../../../src/protocol/apis/describe-acls.js";
import { describeCluster } from "../../../src/protocol/apis/describe-cluster.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { saslAuthenticate } from "../../../src/protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../../src/protocol/apis/sasl-handshake.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { ACL_CASES, DENIALS } from "../../support/acl-matrix.js";
import { ANY_ACL } from "../../support/any-acl.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";

let broker: TestBroker;
let root: BrokerClient;
let ann: BrokerClient;
const logged: string[] = [];

beforeAll(async () => {
  const info = (message: string, fields?: LogFields) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  broker = await startTestBroker({
    logger: { ...silentLogger, info },
    properties: {
      listeners: "SASL_PLAINTEXT://127.0.0.1:0",
      "sasl.enabled.mechanisms": "PLAIN",
      "listener.name.sasl_plaintext.plain.sasl.jaas.config": `${module} user_root="r" user_ann="a";`,
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:root",
    },
  });
  root = await login("root", "r");
  ann = await login("ann", "a");
  const topics = [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  await root.request(createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false });
});
afterAll(async () => {
  root?.close();
  ann?.close();
  await broker?.close();
});

async function login(user: string, password: string): Promise<BrokerClient> {
  const client = await BrokerClient.connect(broker.portOf("SASL_PLAINTEXT"));
  await client.request(saslHandshake, 1, { mechanism: "PLAIN" });
  await client.request(saslAuthenticate, 2, { authBytes: Buffer.from(`\0${user}\0${password}`) });
  return client;
}

function allow(grants: (typeof ACL_CASES)[number]["grants"], permissionType = 3) {
  const creations = grants.map(([operation, type, resourceName]) => ({
    resourceType: RESOURCE_TYPES[type],
    resourceName,
    resourcePatternType: 3,
    principal: "User:ann",
    host: "*",
    operation: OPERATIONS[operation],
    permissionType,
  }));
  return root.request(createAcls, 3, { creations });
}

test.each(ACL_CASES)(
  "$label: denied without ACLs, and served with those that it needs",
  async ({ ask, denied, grants }) => {
    expect(await ask(ann)).toEqual(denied);
    await allow(grants);
    expect((await ask(ann)).filter((code) => DENIALS.includes(code))).toEqual([]);
    await root.request(deleteAcls, 3, { filters: [ANY_ACL] });
    expect(await ask(ann)).toEqual(denied);
  },
);

test("what was denied, and who changed ACLs, is in the log", () => {
  expect(logged).toContainEqual(
    expect.stringMatching(/^Denied a request .*User:ann.*READ.*GROUP:g.*Heartbeat.*127\.0\.0\.1/),
  );
  expect(logged).toContainEqual(expect.stringMatching(/^Added an ACL .*User:ann.*"by":"User:root"/));
  expect(logged).toContainEqual(expect.stringMatching(/^Removed an ACL .*User:ann.*"by":"User:root"/));
});

test("of all topics the client sees those that it may, with what it may do", async () => {
  await allow([["READ", "TOPIC", "t"]]);
  const request = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true };
  const { topics } = await ann.request(metadata, 9, request);
  expect(topics.map(({ name, topicAuthorizedOperations }) => [name, topicAuthorizedOperations])).toEqual([
    ["t", (1 << OPERATIONS.READ) | (1 << OPERATIONS.DESCRIBE)],
  ]);
  const cluster = { includeClusterAuthorizedOperations: true };
  expect((await ann.request(describeCluster, 0, cluster)).clusterAuthorizedOperations).toBe(0);
  expect((await root.request(describeCluster, 0, cluster)).clusterAuthorizedOperations).toBe(8096);
});

test("ACLs survive a crash, and one that denies goes before those that allow", async () => {
  await allow([["ALL", "TOPIC", "*"]]);
  await allow([["DESCRIBE", "TOPIC", "secret"]], 2);
  root.close();
  ann.close();
  await broker.restart();
  root = await login("root", "r");
  ann = await login("ann", "a");
  const { resources } = await root.request(describeAcls, 3, ANY_ACL);
  expect(resources.map(({ resourceName, acls }) => [resourceName, acls.length])).toEqual([
    ["t", 1],
    ["*", 1],
    ["secret", 1],
  ]);
  const topics = [{ name: "secret" }, { name: "none" }];
  const answer = await ann.request(metadata, 9, { topics, allowAutoTopicCreation: false });
  expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([
    ErrorCodes.TOPIC_AUTHORIZATION_FAILED,
    ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
});
