import type { Api } from "../../protocol/api.js";
import { offsetCommit } from "../../protocol/apis/offset-commit.js";
import { offsetFetch } from "../../protocol/apis/offset-fetch.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { Fields, InputOf, OutputOf } from "../../protocol/message-fields.js";
import type { CommittedOffset, TopicPartition } from "../client/topic-partition.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { byTopic } from "../cluster/partition-offsets.js";
import type { SendOptions } from "../transport/broker-connection.js";

/** The author of a commit: a member in its generation, or no member (`generationId` -1, empty `memberId`). */
export interface Committer {
  readonly generationId: number;
  readonly memberId: string;
}

export const NO_MEMBER: Committer = { generationId: -1, memberId: "" };

/**
 * Sends requests to the coordinator of one group. It looks the coordinator up when needed, and again after it moved or
 * was lost. Every call is one attempt; the caller decides about retries.
 */
export class CoordinatorClient {
  #nodeId: number | undefined;
  #unknownSinceMs: number | undefined;

  constructor(
    readonly groupId: string,
    private readonly cluster: Cluster,
    /** The lane for the next request. */
    private readonly lane: () => Lane,
  ) {}

  /** Sends to the coordinator. @throws KafkaError; the next call then looks the coordinator up again. */
  async send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    request: InputOf<Q>,
    options?: SendOptions,
  ): Promise<OutputOf<S>> {
    try {
      this.#nodeId ??= await this.cluster.findCoordinator(this.groupId);
      return await this.lane().send(this.#nodeId, api, request, options);
    } catch (error) {
      this.#markUnknown();
      throw error;
    }
  }

  /**
   * Throws the error of a non-zero code. If the code means that the coordinator moved, the next call looks it up again.
   */
  check(code: number, context: string): void {
    if (code === ErrorCodes.NOT_COORDINATOR || code === ErrorCodes.COORDINATOR_NOT_AVAILABLE) this.#markUnknown();
    else this.noteReachable();
    if (code !== ErrorCodes.NONE) throw new KafkaError(code, context);
  }

  /** How long the coordinator has been unreachable, in milliseconds; 0 while it answers. */
  get unknownForMs(): number {
    return this.#unknownSinceMs === undefined ? 0 : this.cluster.clock.monotonicMs() - this.#unknownSinceMs;
  }

  /** The coordinator has answered, here or over another connection. */
  noteReachable(): void {
    this.#unknownSinceMs = undefined;
  }

  /** Drops the coordinator and its connection: requests in flight fail, and the next one looks it up again. */
  forget(): void {
    if (this.#nodeId !== undefined) this.lane().disconnect(this.#nodeId);
    this.#markUnknown();
  }

  #markUnknown(): void {
    this.#nodeId = undefined;
    this.#unknownSinceMs ??= this.cluster.clock.monotonicMs();
  }

  /**
   * Commits offsets.
   * @throws KafkaError of the first partition that failed; the others may be committed all the same.
   */
  async commit(offsets: readonly CommittedOffset[], committer: Committer): Promise<void> {
    if (offsets.length === 0) return;
    const topics = [...byTopic(offsets)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map((each) => ({
        partitionIndex: each.partition,
        committedOffset: each.offset,
        committedMetadata: each.metadata ?? "",
      })),
    }));
    const answer = await this.send(offsetCommit, {
      groupId: this.groupId,
      generationIdOrMemberEpoch: committer.generationId,
      memberId: committer.memberId,
      topics,
    });
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        this.check(errorCode, `Committing ${name}-${partitionIndex} of group ${this.groupId}`);
      }
    }
  }

  /** Committed offsets of these partitions (null: of all); partitions without one are left out. */
  async fetchOffsets(partitions: readonly TopicPartition[] | null): Promise<CommittedOffset[]> {
    const topics =
      partitions === null
        ? null
        : [...byTopic(partitions)].map(([name, each]) => ({
            name,
            partitionIndexes: each.map(({ partition }) => partition),
          }));
    const answer = await this.send(offsetFetch, { groupId: this.groupId, topics, requireStable: true });
    const context = `Fetching the offsets of group ${this.groupId}`;
    this.check(answer.errorCode, context);
    const committed: CommittedOffset[] = [];
    for (const { name, partitions: answered } of answer.topics) {
      for (const { partitionIndex, committedOffset, metadata, errorCode } of answered) {
        this.check(errorCode, `${context}: ${name}-${partitionIndex}`);
        if (committedOffset >= 0)
          committed.push({ topic: name, partition: partitionIndex, offset: committedOffset, metadata });
      }
    }
    return committed;
  }
}
