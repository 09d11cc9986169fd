import { DataError, type Props, RetriableError, type SinkOffset } from "../../api/index.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { KafkaAdmin } from "../../kafka/client/kafka-admin.js";
import type { KafkaClient } from "../../kafka/client/kafka-client.js";
import type { CommittedOffset } from "../../kafka/client/topic-partition.js";
import { type DerivedProperties, sinkConsumerProperties } from "../task/task-client-properties.js";

/** A sink connector whose group's offsets are read or changed. */
export interface SinkGroupOwner {
  /** The worker's properties, and the connector's config, references resolved. */
  readonly worker: Props;
  readonly connector: Props;
  readonly name: string;
  /** Creates a client with the given properties; it is closed before the call returns. */
  createClient(properties: DerivedProperties): KafkaClient;
}

/** Asks the connector about its new offsets, before any is written. An error ends the change. */
export type JudgeSinkOffsets = (offsets: readonly SinkOffset[]) => Promise<boolean>;

/**
 * The committed offsets of a sink connector's group, read with the settings with which its tasks' consumers commit: the
 * same group, cluster and credentials. Kafka Connect uses the admin client's settings, and finds nothing where
 * `consumer.override.bootstrap.servers` names another cluster.
 *
 * @throws ConfigError for an override that the worker's policy forbids; KafkaError from the cluster.
 */
export function sinkOffsets(owner: SinkGroupOwner, signal?: AbortSignal): Promise<CommittedOffset[]> {
  return withGroup(owner, (admin, groupId) => admin.listGroupOffsets(groupId, signal));
}

/**
 * Sets and deletes offsets of a sink connector's group (KIP-875), which must have no members. Called by the leader's
 * herder while the connector is STOPPED.
 *
 * @param signal ends the retries, so that nothing is written long after the caller's client has given up.
 * @returns the connector's own answer.
 * @throws DataError OFFSET_INVALID for a partition that does not exist, with nothing written; RetriableError
 *   OFFSETS_IN_USE while the group has members, OFFSETS_NOT_ALTERED with Kafka's reason; ConfigError as above.
 */
export function alterSinkOffsets(
  owner: SinkGroupOwner,
  offsets: readonly SinkOffset[],
  judge: JudgeSinkOffsets,
  signal: AbortSignal,
): Promise<boolean> {
  const what = `alter consumer group offsets for connector ${owner.name}`;
  return withGroup(owner, async (admin, groupId) => {
    const unknown = await orFailure(what, () => unknownPartition(admin, offsets, signal));
    if (unknown) {
      const message = `Failed to ${what}: topic ${unknown.topic} has no partition ${unknown.partition}. No offset was altered`;
      throw new DataError("OFFSET_INVALID", message);
    }
    const isComplete = await judge(offsets);
    const committed = offsets.filter((each): each is SinkOffset & { offset: number } => each.offset !== null);
    const deleted = offsets.filter(({ offset }) => offset === null);
    await orFailure(what, async () => {
      if (committed.length > 0) await admin.alterGroupOffsets(groupId, committed, signal);
      if (deleted.length > 0) {
        await unlessGone(() => admin.deleteGroupOffsets(groupId, deleted, signal));
      }
    });
    return isComplete;
  });
}

/**
 * Deletes the group of a sink connector with its offsets; a group that does not exist has none.
 *
 * @returns the connector's own answer about its partitions, each with null.
 * @throws as `alterSinkOffsets`.
 */
export function resetSinkOffsets(
  owner: SinkGroupOwner,
  judge: JudgeSinkOffsets,
  signal: AbortSignal,
): Promise<boolean> {
  const what = `reset consumer group offsets for connector ${owner.name}`;
  return withGroup(owner, async (admin, groupId) => {
    const committed = await orFailure(what, () => admin.listGroupOffsets(groupId, signal));
    const isComplete = await judge(committed.map(({ topic, partition }) => ({ topic, partition, offset: null })));
    await orFailure(what, () => unlessGone(() => admin.deleteGroup(groupId, signal)));
    return isComplete;
  });
}

async function withGroup<T>(
  { worker, connector, name, createClient }: SinkGroupOwner,
  use: (admin: KafkaAdmin, groupId: string) => Promise<T>,
): Promise<T> {
  const { groupId, properties } = sinkConsumerProperties(worker, connector, { connector: name, task: 0 });
  const client = createClient({ ...properties, "client.id": `connector-worker-adminclient-${name}` });
  try {
    return await use(client.admin, groupId);
  } finally {
    await client.close();
  }
}

/** Asked first: Kafka would store the offsets of the partitions that exist, and refuse only the others. */
async function unknownPartition(
  admin: KafkaAdmin,
  offsets: readonly SinkOffset[],
  signal: AbortSignal,
): Promise<SinkOffset | undefined> {
  const { topics } = await admin.describeTopics([...new Set(offsets.map(({ topic }) => topic))], signal);
  return offsets.find(({ topic, partition }) => {
    const partitions = topics.get(topic)?.partitions ?? [];
    return !partitions.some((each) => each.partition === partition);
  });
}

async function unlessGone(step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (nameOf(error) !== "GROUP_ID_NOT_FOUND") throw error;
  }
}

/** Kafka's names for a group that members keep in use. */
const IN_USE = ["UNKNOWN_MEMBER_ID", "GROUP_SUBSCRIBED_TO_TOPIC", "NON_EMPTY_GROUP"];

/** @param what the operation, in Kafka Connect's words. */
async function orFailure<T>(what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (!IN_USE.includes(nameOf(cause))) {
      throw new RetriableError("OFFSETS_NOT_ALTERED", `Failed to ${what}: ${errorMessage(cause)}`, { cause });
    }
    const verb = what.slice(0, what.indexOf(" "));
    throw new RetriableError(
      "OFFSETS_IN_USE",
      `Failed to ${what} either because its tasks haven't stopped completely yet or the connector was resumed before the request to ${verb} its offsets could be successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink tasks.`,
      { cause },
    );
  }
}

function nameOf(error: unknown): string {
  return String((error as { readonly codeName?: unknown } | undefined)?.codeName);
}
