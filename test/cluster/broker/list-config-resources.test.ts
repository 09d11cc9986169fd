import { expect, onTestFinished, test } from "vitest";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { incrementalAlterConfigs } from "../../../src/protocol/apis/incremental-alter-configs.js";
import { listConfigResources } from "../../../src/protocol/apis/list-config-resources.js";
import { startTestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";

test("the types of resources are listed that Apache Kafka lists, and others refused", async () => {
  const broker = await startTestBroker();
  onTestFinished(() => broker.close());
  const client = await BrokerClient.connect(broker.port);
  onTestFinished(() => client.close());
  const topics = [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  await client.request(createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false });
  const group = { resourceType: 32, resourceName: "g", configs: [] };
  const configs = [{ name: "consumer.session.timeout.ms", configOperation: 0, value: "50000" }];
  await client.request(incrementalAlterConfigs, 1, { resources: [{ ...group, configs }], validateOnly: false });
  const ofAll = [
    { resourceName: "g", resourceType: 32 },
    { resourceName: "1", resourceType: 8 },
    { resourceName: "1", resourceType: 4 },
    { resourceName: "__consumer_offsets", resourceType: 2 },
    { resourceName: "t", resourceType: 2 },
  ];
  const list = async (resourceTypes: number[], version = 1) => {
    const { errorCode, configResources } = await client.request(listConfigResources, version, { resourceTypes });
    return errorCode || configResources;
  };
  expect(await list([])).toEqual(ofAll);
  expect(await list([2, 32, 2])).toEqual([ofAll[0], ofAll[3], ofAll[4]]);
  expect(await list([16])).toEqual([]);
  expect(await list([], 0)).toEqual([]);
  expect(await list([2, 99])).toBe(35);
});
