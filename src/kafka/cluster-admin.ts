import { createAcls } from "../protocol/apis/create-acls.js";
import { createTopics } from "../protocol/apis/create-topics.js";
import { deleteGroups } from "../protocol/apis/delete-groups.js";
import { deleteTopics } from "../protocol/apis/delete-topics.js";
import { describeAcls } from "../protocol/apis/describe-acls.js";
import { describeConfigs } from "../protocol/apis/describe-configs.js";
import { describeUserScramCredentials } from "../protocol/apis/describe-user-scram-credentials.js";
import { incrementalAlterConfigs } from "../protocol/apis/incremental-alter-configs.js";
import { listGroups } from "../protocol/apis/list-groups.js";
import { listTransactions } from "../protocol/apis/list-transactions.js";
import { offsetDelete } from "../protocol/apis/offset-delete.js";
import { ZERO_UUID } from "../protocol/byte-reader.js";
import { ErrorCodes } from "../protocol/error-codes.js";
import { KafkaError } from "../protocol/kafka-error.js";
import type {
  AclEntry,
  GroupListing,
  IsolationLevel,
  KafkaAdmin,
  NewTopic,
  TopicConfigEntry,
  TopicDescription,
  TopicResult,
  TransactionListing,
} from "./client/kafka-admin.js";
import type { CommittedOffset, TopicPartition, TopicPartitionOffset } from "./client/topic-partition.js";
import { addressText, type Cluster, type TopicMetadata } from "./cluster/cluster.js";
import { byTopic, deleteBefore, lookUpAll } from "./cluster/partition-offsets.js";
import { retrying } from "./cluster/retry.js";
import { CoordinatorClient, NO_MEMBER } from "./group/coordinator-client.js";
import { TransactionCoordinatorClient } from "./producer/transaction-coordinator-client.js";

const TOPIC_RESOURCE = 2;
/** The source of a config set on the topic itself. */
const TOPIC_SOURCE = 1;

/** The operations of IncrementalAlterConfigs. */
const SET = 0;
const DELETE = 1;
/** In a filter of ACLs: of any kind. */
const ANY = 1;

/** Administration over a cluster's shared connections. */
export class ClusterAdmin implements KafkaAdmin {
  constructor(private readonly cluster: Cluster) {}

  async connect(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    signal?.addEventListener("abort", end, { once: true });
    const answer = this.cluster.describe([]).then(() => true);
    const silence = this.cluster.clock.delay(timeoutMs, over.signal).then(() => false);
    const isAnswered = await Promise.race([answer, silence]).finally(() => {
      signal?.removeEventListener("abort", end);
      over.abort();
    });
    if (isAnswered) return;
    const servers = this.cluster.config.bootstrap.map(addressText).join(",");
    const detail = `no broker of bootstrap.servers=${servers} answered within ${timeoutMs} ms`;
    throw new KafkaError("NETWORK_EXCEPTION", "Connecting", { detail });
  }

  clusterId(signal?: AbortSignal): Promise<string> {
    return this.#retrying(signal, async () => {
      await this.cluster.describe([]);
      return this.cluster.clusterId ?? "";
    });
  }

  listTopics(signal?: AbortSignal): Promise<string[]> {
    return this.#retrying(signal, async () => [...(await this.cluster.describe(null)).keys()]);
  }

  describeTopics(
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ topics: Map<string, TopicDescription>; missing: string[] }> {
    return this.#retrying(signal, async () => {
      const topics = new Map<string, TopicDescription>();
      const missing: string[] = [];
      for (const [name, { topic, error }] of names.length === 0 ? [] : await this.cluster.describe(names)) {
        if (topic) topics.set(name, topic);
        else if (KafkaError.is(error, "UNKNOWN_TOPIC_OR_PARTITION", "INVALID_TOPIC_EXCEPTION")) missing.push(name);
        else throw error;
      }
      return { topics, missing };
    });
  }

  createTopics(topics: readonly NewTopic[], signal?: AbortSignal): Promise<TopicResult[]> {
    if (topics.length === 0) return Promise.resolve([]);
    const request = {
      topics: topics.map((topic) => ({
        name: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: topic.replicationFactor,
        assignments: [],
        configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
      })),
      timeoutMs: this.cluster.config.requestTimeoutMs,
      validateOnly: false,
    };
    return this.#retrying(signal, async () => {
      const answer = await this.cluster.send(await this.#controller(), createTopics, request);
      const results = answer.topics.map(({ name, errorCode, errorMessage }) =>
        topicResult("Creating", name, errorCode, errorMessage),
      );
      const created = results.filter(({ error }) => !error).map(({ name }) => name);
      if (created.length > 0) await this.#awaitLeaders(created);
      return inOrder(
        topics.map(({ name }) => name),
        results,
      );
    });
  }

  deleteTopics(names: readonly string[], signal?: AbortSignal): Promise<TopicResult[]> {
    if (names.length === 0) return Promise.resolve([]);
    const request = {
      topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
      topicNames: names,
      timeoutMs: this.cluster.config.requestTimeoutMs,
    };
    return this.#retrying(signal, async () => {
      const answer = await this.cluster.send(await this.#controller(), deleteTopics, request);
      const results = answer.responses.map(({ name, errorCode, errorMessage }) =>
        topicResult("Deleting", name ?? "", errorCode, errorMessage),
      );
      return inOrder(names, results);
    });
  }

  describeTopicConfigs(topic: string, signal?: AbortSignal): Promise<Map<string, TopicConfigEntry>> {
    return this.#retrying(signal, async () => {
      const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null }];
      const answer = await this.cluster.sendToAny(describeConfigs, { resources, includeSynonyms: false });
      const result = answer.results[0];
      const context = `Describing the configs of topic ${topic}`;
      if (!result) throw new KafkaError("NETWORK_EXCEPTION", context, { detail: "the broker's answer is empty" });
      if (result.errorCode !== 0) throw new KafkaError(result.errorCode, context, { detail: result.errorMessage });
      return new Map(
        result.configs.map(({ name, value, configSource, isSensitive }) => [
          name,
          { name, value, isDefault: configSource !== TOPIC_SOURCE, isSensitive },
        ]),
      );
    });
  }

  alterTopicConfigs(
    topic: string,
    changes: Readonly<Record<string, string | null>>,
    signal?: AbortSignal,
  ): Promise<void> {
    const configs = Object.entries(changes).map(([name, value]) => ({
      name,
      configOperation: value === null ? DELETE : SET,
      value,
    }));
    if (configs.length === 0) return Promise.resolve();
    const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs }];
    return this.#retrying(signal, async () => {
      const request = { resources, validateOnly: false };
      const answer = await this.cluster.send(await this.#controller(), incrementalAlterConfigs, request);
      const context = `Changing the configs of topic ${topic}`;
      const result = answer.responses[0];
      if (!result) throw new KafkaError("NETWORK_EXCEPTION", context, { detail: "the broker's answer is empty" });
      if (result.errorCode !== 0) throw new KafkaError(result.errorCode, context, { detail: result.errorMessage });
    });
  }

  endOffsets(
    partitions: readonly TopicPartition[],
    signal?: AbortSignal,
    isolation?: IsolationLevel,
  ): Promise<TopicPartitionOffset[]> {
    return this.#offsets(partitions, "latest", signal, isolation === "read_committed");
  }

  startOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<TopicPartitionOffset[]> {
    return this.#offsets(partitions, "earliest", signal);
  }

  deleteRecords(offsets: readonly TopicPartitionOffset[], signal?: AbortSignal): Promise<void> {
    return this.#atLeaders(offsets, signal, () => deleteBefore(this.cluster, this.cluster.control, offsets));
  }

  listGroups(signal?: AbortSignal): Promise<GroupListing[]> {
    return this.#retrying(signal, async () => {
      await this.cluster.describe([]);
      const groups: GroupListing[] = [];
      for (const nodeId of this.cluster.nodeIds()) {
        const answer = await this.cluster.send(nodeId, listGroups, {});
        if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, "Listing groups");
        for (const { groupId, protocolType, groupState } of answer.groups) {
          groups.push({ groupId, protocolType, state: groupState });
        }
      }
      return groups;
    });
  }

  listGroupOffsets(groupId: string, signal?: AbortSignal): Promise<CommittedOffset[]> {
    return this.#atCoordinator(groupId, signal, (coordinator) => coordinator.fetchOffsets(null));
  }

  alterGroupOffsets(groupId: string, offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void> {
    return this.#atCoordinator(groupId, signal, (coordinator) => coordinator.commit(offsets, NO_MEMBER));
  }

  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<void> {
    return this.#atCoordinator(groupId, signal, async (coordinator) => {
      const topics = [...byTopic(partitions)].map(([name, each]) => ({
        name,
        partitions: each.map(({ partition }) => ({ partitionIndex: partition })),
      }));
      const answer = await coordinator.send(offsetDelete, { groupId, topics });
      const context = `Deleting offsets of group ${groupId}`;
      coordinator.check(answer.errorCode, context);
      for (const { name, partitions: answered } of answer.topics) {
        for (const { partitionIndex, errorCode } of answered)
          coordinator.check(errorCode, `${context}: ${name}-${partitionIndex}`);
      }
    });
  }

  deleteGroup(groupId: string, signal?: AbortSignal): Promise<void> {
    return this.#atCoordinator(groupId, signal, async (coordinator) => {
      const answer = await coordinator.send(deleteGroups, { groupsNames: [groupId] });
      for (const { errorCode } of answer.results) coordinator.check(errorCode, `Deleting group ${groupId}`);
    });
  }

  findTransactionCoordinator(transactionalId: string, signal?: AbortSignal): Promise<number> {
    return this.#retrying(signal, () => this.cluster.findCoordinator(transactionalId, "transactional id"));
  }

  async fenceProducers(transactionalIds: readonly string[], signal?: AbortSignal): Promise<void> {
    const { apiTimeoutMs } = this.cluster.config;
    const lane = this.cluster.lane();
    try {
      const takingOver = transactionalIds.map((id) =>
        new TransactionCoordinatorClient(id, this.cluster, lane).takeOver(apiTimeoutMs, {
          timeoutMs: apiTimeoutMs,
          signal,
        }),
      );
      await Promise.allSettled(takingOver);
      await Promise.all(takingOver);
    } finally {
      lane.close();
    }
  }

  listTransactions(signal?: AbortSignal): Promise<TransactionListing[]> {
    return this.#retrying(signal, async () => {
      await this.cluster.describe([]);
      const found: TransactionListing[] = [];
      for (const nodeId of this.cluster.nodeIds()) {
        const answer = await this.cluster.send(nodeId, listTransactions, { stateFilters: [], producerIdFilters: [] });
        if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, "Listing transactions");
        for (const { transactionalId, transactionState } of answer.transactionStates) {
          found.push({ transactionalId, state: transactionState });
        }
      }
      return found;
    });
  }

  describeAcls(signal?: AbortSignal): Promise<AclEntry[]> {
    const all = {
      resourceTypeFilter: ANY,
      resourceNameFilter: null,
      patternTypeFilter: ANY,
      principalFilter: null,
      hostFilter: null,
      operation: ANY,
      permissionType: ANY,
    };
    return this.#retrying(signal, async () => {
      const { errorCode, errorMessage, resources } = await this.cluster.sendToAny(describeAcls, all);
      if (errorCode !== 0) throw new KafkaError(errorCode, "Listing the ACLs", { detail: errorMessage });
      return resources.flatMap(({ acls, ...resource }) => acls.map((acl) => ({ ...resource, ...acl })));
    });
  }

  createAcls(acls: readonly AclEntry[], signal?: AbortSignal): Promise<(KafkaError | undefined)[]> {
    if (acls.length === 0) return Promise.resolve([]);
    const creations = acls.map(({ patternType, ...acl }) => ({ ...acl, resourcePatternType: patternType }));
    return this.#retrying(signal, async () => {
      const { results } = await this.cluster.send(await this.#controller(), createAcls, { creations });
      return acls.map((_, at) => {
        const result = results[at];
        if (!result) throw new KafkaError("NETWORK_EXCEPTION", "Adding ACLs", { detail: "the broker left one out" });
        if (result.errorCode === ErrorCodes.NONE) return undefined;
        return new KafkaError(result.errorCode, "Adding an ACL", { detail: result.errorMessage });
      });
    });
  }

  listScramUsers(signal?: AbortSignal): Promise<string[]> {
    return this.#retrying(signal, async () => {
      const answer = await this.cluster.send(await this.#controller(), describeUserScramCredentials, { users: null });
      const { errorCode, errorMessage, results } = answer;
      if (errorCode !== 0) throw new KafkaError(errorCode, "Listing the users of SCRAM", { detail: errorMessage });
      return results.map(({ user }) => user);
    });
  }

  #retrying<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    return retrying(this.cluster, { timeoutMs: this.cluster.config.apiTimeoutMs, signal }, attempt);
  }

  /** Uses its own connections, so that it does not wait behind another user's parked request. */
  async #atCoordinator<T>(
    groupId: string,
    signal: AbortSignal | undefined,
    attempt: (coordinator: CoordinatorClient) => Promise<T>,
  ): Promise<T> {
    const lane = this.cluster.lane();
    const coordinator = new CoordinatorClient(groupId, this.cluster, () => lane);
    try {
      return await this.#retrying(signal, () => attempt(coordinator));
    } finally {
      lane.close();
    }
  }

  async #offsets(
    partitions: readonly TopicPartition[],
    which: "earliest" | "latest",
    signal: AbortSignal | undefined,
    readCommitted = false,
  ): Promise<TopicPartitionOffset[]> {
    if (partitions.length === 0) return [];
    const { cluster } = this;
    return this.#atLeaders(partitions, signal, () =>
      lookUpAll(cluster, cluster.control, partitions, which, readCommitted),
    );
  }

  /** Runs `attempt` until it succeeds, with the leaders of these partitions known, and looked up again after a failure. */
  async #atLeaders<T>(
    partitions: readonly TopicPartition[],
    signal: AbortSignal | undefined,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const { cluster } = this;
    const topics = [...byTopic(partitions).keys()];
    for (const topic of topics) cluster.track(topic, false);
    let refresh = partitions.some(({ topic, partition }) => cluster.leaderOf(topic, partition) === undefined);
    try {
      return await this.#retrying(signal, async () => {
        if (refresh) await cluster.refresh();
        refresh = true;
        return attempt();
      });
    } finally {
      for (const topic of topics) cluster.untrack(topic, false);
    }
  }

  async #controller(): Promise<number> {
    await this.cluster.describe([]);
    const { controllerId } = this.cluster;
    if (controllerId >= 0) return controllerId;
    throw new KafkaError("NOT_CONTROLLER", "Finding the controller", { detail: "the cluster has none at the moment" });
  }

  /** A new topic's leaders appear at the brokers a little later than the topic. */
  async #awaitLeaders(names: readonly string[]): Promise<void> {
    await retrying(this.cluster, { timeoutMs: this.cluster.config.requestTimeoutMs }, async () => {
      for (const [name, described] of await this.cluster.describe(names)) {
        if (!hasLeaders(described)) throw new KafkaError("LEADER_NOT_AVAILABLE", `Creating topic ${name}`);
      }
    });
  }
}

function hasLeaders({ topic }: TopicMetadata): boolean {
  return topic?.partitions.every(({ leader }) => leader >= 0) ?? false;
}

function topicResult(doing: string, name: string, code: number, detail: string | null): TopicResult {
  if (code === ErrorCodes.NONE) return { name };
  return { name, error: new KafkaError(code, `${doing} topic ${name}`, { detail }) };
}

/**
 * Results in the order of `names`. A NOT_CONTROLLER or REQUEST_TIMED_OUT among them is thrown, to retry the whole call.
 */
function inOrder(names: readonly string[], results: readonly TopicResult[]): TopicResult[] {
  const byName = new Map(results.map((each) => [each.name, each]));
  return names.map((name) => {
    const result = byName.get(name);
    if (!result)
      throw new KafkaError("NETWORK_EXCEPTION", `Topic ${name}`, { detail: "the broker left it out of its answer" });
    if (KafkaError.is(result.error, "NOT_CONTROLLER", "REQUEST_TIMED_OUT")) throw result.error;
    return result;
  });
}
