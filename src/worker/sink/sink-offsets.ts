import type { Props } from "../../api/index.js";
import type { CommittedOffset, KafkaClient } from "../../kafka/kafka-client.js";
import { type DerivedProperties, sinkConsumerProperties } from "../task/task-client-properties.js";

/**
 * The committed offsets of a sink connector's group, asked for as the consumers of its tasks commit them: in their
 * group and cluster, with their credentials. Kafka Connect asks with the admin client's settings, and finds nothing
 * where `consumer.override.bootstrap.servers` names another cluster.
 *
 * @param connector its config, references resolved.
 * @param createClient makes a client over the given properties; it is closed before this returns.
 * @throws ConfigError for an override that the worker's policy forbids; the KafkaError of a cluster that does not answer.
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
