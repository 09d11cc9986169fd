import type { Timer } from "../../api/clock.js";
import { withAnySignal } from "../../base/any-signal.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../protocol/consumer-protocol.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { FetchedRecords } from "../client/consumer.js";
import type { GroupConsumer, GroupConsumerOptions, RebalanceListener } from "../client/group-consumer.js";
import type { GroupAssignment, GroupProtocol, LeaderInput } from "../client/group-member.js";
import type { CommittedOffset, TopicPartition, TopicPartitionOffset } from "../client/topic-partition.js";
import { ClientClosedError } from "../client-closed-error.js";
import type { AssignorName, ConsumerConfig, GroupConfig } from "../client-properties.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { shareConnectivity } from "../cluster/connectivity.js";
import { byTopic, lookUpAll } from "../cluster/partition-offsets.js";
import { retrying } from "../cluster/retry.js";
import { FetchConsumer } from "../consumer/fetch-consumer.js";
import { CoordinatedMember } from "./coordinated-member.js";
import { assignPartitions } from "./group-assignors.js";
import { GroupTopics } from "./group-topics.js";

/** The version of written metadata and assignments. All versions are read. */
const PROTOCOL_VERSION = 1;

/** A callback of the group that waits for the next poll, because it must run in the owner's loop. */
interface GroupEvent {
  readonly run: () => Promise<void>;
  readonly done: Deferred<void>;
}

/**
 * A consumer in a group. The member's callbacks become events that run inside `poll`, so that partitions are never
 * revoked or assigned while the owner works.
 */
export class GroupFetchConsumer implements GroupConsumer {
  readonly #lane: Lane;
  readonly #consumer: FetchConsumer;
  readonly #member: CoordinatedMember;
  readonly #topics: GroupTopics;
  readonly #stop = new AbortController();
  readonly #events: GroupEvent[] = [];
  /** Aborted to reschedule the next check of the topics. */
  #replan = new AbortController();
  #assigned: readonly TopicPartition[] = [];
  /** An error for the next poll to throw. */
  #refusal: Error | undefined;
  #started = false;
  /** Fires when the owner has not polled for `max.poll.interval.ms`. */
  #lapse: Timer | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: GroupConsumerOptions,
    private readonly consumerConfig: ConsumerConfig,
    private readonly config: GroupConfig,
    private readonly listener: RebalanceListener,
  ) {
    this.#lane = cluster.lane(() => this.abandon());
    this.#topics = new GroupTopics(cluster, options.groupId, options.topics);
    const onConnectivity = shareConnectivity(options.onConnectivity);
    this.#consumer = new FetchConsumer(cluster, consumerConfig, onConnectivity());
    this.#member = new CoordinatedMember(
      cluster,
      {
        groupId: options.groupId,
        protocolType: "consumer",
        protocols: () => this.#protocols(),
        sessionTimeoutMs: config.sessionTimeoutMs,
        rebalanceTimeoutMs: config.maxPollIntervalMs,
        heartbeatIntervalMs: config.heartbeatIntervalMs,
        onConnectivity: onConnectivity(),
      },
      {
        assign: (input) => this.#assign(input),
        onPrepare: () => this.#inPoll(() => this.#revoke()),
        onAssigned: (assignment) => {
          if (!assignment.isLeader) this.#topics.follow();
          return this.#take(assignment);
        },
        onLost: () => this.#giveUp(),
        onRefused: (error) => {
          this.#refusal = error;
          this.#consumer.wake();
        },
      },
    );
  }

  get assignment(): readonly TopicPartition[] {
    return this.#consumer.assignment;
  }

  get paused(): readonly TopicPartition[] {
    return this.#consumer.paused;
  }

  seek(partition: TopicPartition, offset: number | "earliest" | "latest"): void {
    this.#consumer.seek(partition, offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#consumer.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#consumer.resume(partitions);
  }

  position(partition: TopicPartition): number | undefined {
    return this.#consumer.position(partition);
  }

  async commit(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void> {
    return this.#member.commitOffsets(offsets, signal);
  }

  committed(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]> {
    return this.#member.fetchOffsets(partitions, signal);
  }

  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecords[]> {
    if (this.#stop.signal.aborted) throw new ClientClosedError(`The consumer of group ${this.options.groupId}`);
    this.#lapse?.cancel();
    try {
      return await this.#poll(maxWaitMs, signal);
    } finally {
      this.#awaitNextPoll();
    }
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#end();
    await this.#consumer.close();
    await this.#member.leave();
  }

  abandon(): void {
    this.#end();
    void this.#consumer.close();
    this.#member.abandon();
  }

  async #poll(maxWaitMs: number, signal: AbortSignal | undefined): Promise<FetchedRecords[]> {
    const { clock } = this.cluster;
    const deadlineMs = clock.monotonicMs() + maxWaitMs;
    await this.#startOnce(signal);
    for (;;) {
      await this.#runEvents();
      if (this.#stop.signal.aborted || signal?.aborted) return [];
      this.#throwRefusal();
      const waitMs = Math.max(0, deadlineMs - clock.monotonicMs());
      const records = await this.#consumer.poll(waitMs, signal);
      if (records.length > 0) return records;
      if (this.#events.length === 0 && clock.monotonicMs() >= deadlineMs) return [];
    }
  }

  async #startOnce(signal: AbortSignal | undefined): Promise<void> {
    if (this.#started) return;
    const changed = await withAnySignal([signal, this.#stop.signal], (until) => this.#look(until));
    if (changed === undefined || this.#started) return;
    this.#started = true;
    this.#member.start();
    mustRun(`The watch over the topics of group ${this.options.groupId}`, this.#watchTopics());
  }

  /** Checks the topics, retrying without limit. Returns whether they have changed; undefined when stopped. */
  async #look(signal: AbortSignal): Promise<boolean | undefined> {
    try {
      return await retrying(this.cluster, { timeoutMs: Number.POSITIVE_INFINITY, signal }, () => this.#topics.look());
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  #throwRefusal(): void {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal) throw refusal;
  }

  // --- events, run inside poll ---

  #inPoll(run: () => Promise<void>): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    const done = deferred();
    this.#events.push({ run, done });
    this.#consumer.wake();
    return done.promise;
  }

  async #runEvents(): Promise<void> {
    for (let event = this.#events.shift(); event; event = this.#events.shift()) {
      try {
        await event.run();
      } finally {
        // The member continues either way; poll throws the error to the owner.
        event.done.resolve();
      }
    }
  }

  async #revoke(): Promise<void> {
    const revoked = this.#assigned;
    if (revoked.length === 0) return;
    // No more records are delivered, but the partitions stay ours until the listener has committed.
    this.#consumer.pause(revoked);
    try {
      await this.listener.onRevoked(revoked);
    } finally {
      this.#drop();
    }
  }

  /** Also runs in the next poll, but replaces all waiting events: they concern partitions that are no longer ours. */
  #giveUp(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.resolve();
    for (const { done } of this.#events.splice(0)) done.resolve();
    // No more records are delivered: other members may already read them.
    this.#consumer.pause(this.#assigned);
    return this.#inPoll(async () => {
      const lost = this.#assigned;
      this.#drop();
      if (lost.length > 0) await this.listener.onLost(lost);
    });
  }

  #drop(): void {
    this.#assigned = [];
    if (!this.#stop.signal.aborted) this.#consumer.assign([]);
  }

  /** Looks the positions up before the poll, so as not to delay it, and assigns the partitions inside the poll. */
  async #take(generation: GroupAssignment): Promise<void> {
    const partitions = decodeAssignment(generation.assignment).assignedPartitions.flatMap(
      ({ topic, partitions: ids }) => ids.map((partition) => ({ topic, partition })),
    );
    let positions: TopicPartitionOffset[];
    try {
      positions = await this.#positionsOf(partitions);
    } catch (error) {
      await this.#inPoll(() => Promise.reject(error));
      return;
    }
    // The member was lost during the lookup.
    if (this.#member.generation !== generation) return;
    await this.#inPoll(async () => {
      this.#assigned = partitions;
      this.#consumer.assign(partitions);
      for (const position of positions) this.#consumer.seek(position, position.offset);
      await this.listener.onAssigned(positions);
    });
  }

  /** Committed offsets, or those of `auto.offset.reset` for partitions without one; in the order of `partitions`. */
  async #positionsOf(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    if (partitions.length === 0) return [];
    const retry = { timeoutMs: Number.POSITIVE_INFINITY, signal: this.#stop.signal };
    const found = new Map<string, number>();
    for (const each of await retrying(this.cluster, retry, () => this.#member.fetchOffsets(partitions))) {
      found.set(`${each.topic}-${each.partition}`, each.offset);
    }
    const without = partitions.filter(({ topic, partition }) => !found.has(`${topic}-${partition}`));
    if (without.length > 0) {
      for (const each of await this.#initialOffsets(without)) found.set(`${each.topic}-${each.partition}`, each.offset);
    }
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: found.get(`${topic}-${partition}`)!,
    }));
  }

  async #initialOffsets(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    const { reset } = this.consumerConfig;
    if (reset === "none") {
      const { topic, partition } = partitions[0]!;
      const detail = `group ${this.options.groupId} has no committed offset for it, and auto.offset.reset is none`;
      throw new KafkaError("OFFSET_OUT_OF_RANGE", `Reading ${topic}-${partition}`, { detail });
    }
    const { cluster } = this;
    const topics = [...byTopic(partitions).keys()];
    for (const topic of topics) cluster.track(topic, false);
    try {
      return await retrying(cluster, { timeoutMs: Number.POSITIVE_INFINITY, signal: this.#stop.signal }, async () => {
        await cluster.refresh();
        return lookUpAll(cluster, this.#lane, partitions, reset);
      });
    } finally {
      for (const topic of topics) cluster.untrack(topic, false);
    }
  }

  // --- the group ---

  #protocols(): GroupProtocol[] {
    const metadata = encodeSubscription(PROTOCOL_VERSION, { topics: this.#topics.names });
    return this.config.assignors.map((name) => ({ name, metadata }));
  }

  async #assign({ protocol, members }: LeaderInput): Promise<Map<string, Buffer>> {
    const subscribed = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: decodeSubscription(metadata).topics,
    }));
    const names = [...new Set(subscribed.flatMap(({ topics }) => topics))];
    const partitionCounts = await this.#topics.share(names);
    if (this.#topics.isShort) this.#replan.abort();
    const assignments = assignPartitions(protocol as AssignorName, { members: subscribed, partitionCounts });
    const encoded = new Map<string, Buffer>();
    for (const [memberId, partitions] of assignments) {
      const assignedPartitions = [...byTopic(partitions)].map(([topic, each]) => ({
        topic,
        partitions: each.map(({ partition }) => partition),
      }));
      encoded.set(memberId, encodeAssignment(PROTOCOL_VERSION, { assignedPartitions }));
    }
    return encoded;
  }

  /** Makes the group rebalance when topics or partitions appear or disappear. */
  async #watchTopics(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#replan = new AbortController();
      const replanned = this.#replan.signal;
      await withAnySignal([signal, replanned], (until) =>
        this.cluster.clock.delay(this.#topics.checkIntervalMs, until),
      );
      if (signal.aborted) return;
      // The last assignment is incomplete, so the interval is now shorter.
      if (replanned.aborted) continue;
      try {
        if (!(await this.#look(signal))) continue;
        this.#member.requestRejoin("subscribed topics or their partitions have changed");
      } catch (error) {
        this.#refusal = error instanceof Error ? error : new Error(String(error));
        this.#consumer.wake();
      }
    }
  }

  /** Leaves the group when the owner stops polling, so that others get its partitions. */
  #awaitNextPoll(): void {
    if (this.#stop.signal.aborted || !this.#started) return;
    const { maxPollIntervalMs } = this.config;
    this.#lapse = this.cluster.clock.schedule(maxPollIntervalMs, () => {
      const { groupId } = this.options;
      const detail = `the consumer was not polled for max.poll.interval.ms=${maxPollIntervalMs} and leaves the group until it is`;
      const error = new KafkaError("UNKNOWN_MEMBER_ID", `Group ${groupId}`, { detail });
      this.cluster.logger.warn("A consumer leaves its group because it was not polled in time", {
        group: groupId,
        maxPollIntervalMs,
      });
      void this.#member.suspend(error);
    });
  }

  #end(): void {
    this.#stop.abort();
    this.#lane.close();
    this.#lapse?.cancel();
    for (const { done } of this.#events.splice(0)) done.resolve();
    this.#consumer.wake();
  }
}
