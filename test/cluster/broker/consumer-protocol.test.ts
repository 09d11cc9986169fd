import { afterEach, expect, test } from "vitest";
import { consumerGroupHeartbeat } from "../../../src/protocol/apis/consumer-group-heartbeat.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { listGroups } from "../../../src/protocol/apis/list-groups.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { ConsumerProtocolStory, KAFKA_ANSWERS } from "../../support/consumer-protocol-story.js";
import { KAFKA_MIGRATION_ANSWERS, tellMigration, tellPolicy } from "../../support/migration-story.js";

let broker: TestBroker;
afterEach(() => broker.close());

test("the consumer protocol is answered as Apache Kafka answers it", async () => {
  broker = await startTestBroker({ properties: { "group.consumer.migration.policy": "disabled" } });
  const client = await BrokerClient.connect(broker.port);
  expect(await new ConsumerProtocolStory(client, "story").run()).toEqual(KAFKA_ANSWERS);
  client.close();
});

test("groups go from one protocol to the other and back as on Apache Kafka", async () => {
  broker = await startTestBroker();
  const client = await BrokerClient.connect(broker.port);
  const other = await BrokerClient.connect(broker.port);
  expect(await tellMigration(client, other)).toEqual(KAFKA_MIGRATION_ANSWERS.bidirectional);
  client.close();
  other.close();
});

test.each(["upgrade", "downgrade"] as const)("groups only %s if the policy says so", async (policy) => {
  broker = await startTestBroker({ properties: { "group.consumer.migration.policy": policy } });
  const client = await BrokerClient.connect(broker.port);
  expect(await tellPolicy(client)).toEqual(KAFKA_MIGRATION_ANSWERS[policy]);
  client.close();
});

test("members of a consumer group do not notice a crash of the broker", async () => {
  broker = await startTestBroker();
  let client = await BrokerClient.connect(broker.port);
  const topics = [{ name: "t", numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }];
  await client.request(createTopics, 5, { topics, timeoutMs: 10_000, validateOnly: false });
  const all = { groupId: "g", memberId: "m", rebalanceTimeoutMs: 60_000, subscribedTopicNames: ["t"] };
  const joined = await client.request(consumerGroupHeartbeat, 1, { ...all, memberEpoch: 0, topicPartitions: [] });
  expect(joined.assignment?.topicPartitions[0]?.partitions).toEqual([0, 1, 2]);
  await broker.restart("crash");
  client = await BrokerClient.connect(broker.port);
  const { memberEpoch } = joined;
  const beat = { ...all, memberEpoch, topicPartitions: joined.assignment!.topicPartitions };
  expect(await client.request(consumerGroupHeartbeat, 1, beat)).toEqual({ ...joined, errorMessage: null });
  const { groups } = await client.request(listGroups, 5, { statesFilter: [], typesFilter: ["consumer"] });
  expect(groups).toEqual([{ groupId: "g", protocolType: "consumer", groupState: "Stable", groupType: "consumer" }]);
  client.close();
});
