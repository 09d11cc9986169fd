import type { Props } from "../../api/index.js";
import type { CommittedOffset, KafkaClient } from "../../kafka/kafka-client.js";
import { type DerivedProperties, sinkConsumerProperties } from "../task/task-client-properties.js";

/**
 * The committed offsets of a sink connector's group, read with the settings with which its tasks' consumers commit: the
 * same group, cluster and credentials. Kafka Connect uses the admin client's settings, and finds nothing where
 * `consumer.override.bootstrap.servers` names another cluster.
 *
 * @param connector its config, references resolved.
 * @param createClient creates a client with the given properties; it is closed before this returns.
 * @throws ConfigError for an override that the worker's policy forbids; KafkaError from the cluster.
 */
export async function sinkOffsets(
  worker: Props,
  connector: Props,
  name: string,
  createClient: (properties: DerivedProperties) => KafkaClient,
): Promise<CommittedOffset[]> {
  const { groupId, properties } = sinkConsumerProperties(worker, connector, { connector: name, task: 0 });
  const client = createClient({ ...properties, "client.id": `connector-worker-adminclient-${name}` });
  try {
    return await client.admin.listGroupOffsets(groupId);
  } finally {
    await client.close();
  }
}
