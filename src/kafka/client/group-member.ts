import type { OnConnectivity } from "./client-options.js";
import type { CommittedOffset, TopicPartition } from "./topic-partition.js";

/** A protocol that a member offers, with the member's metadata for the leader. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface GroupMemberOptions {
  readonly groupId: string;
  /** `consumer`, `connect`, …; the same for all members of a group. */
  readonly protocolType: string;
  /** Called at every join. The most preferred first. */
  protocols(): readonly GroupProtocol[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /**
   * If set, the assignment counts as lost when the coordinator was unreachable for this time, or has not answered for a
   * whole session. Kafka Connect's workers set `heartbeat.interval.ms`. Undefined, as for Java's consumers: the
   * assignment is lost only when the coordinator reports it.
   */
  readonly coordinatorTimeoutMs?: number;
  readonly onConnectivity?: OnConnectivity;
}

/** The leader's input: the chosen protocol, and every member's metadata for it. */
export interface LeaderInput {
  readonly protocol: string;
  readonly generationId: number;
  readonly leaderId: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

/** A member's assignment in one generation. */
export interface GroupAssignment {
  readonly generationId: number;
  readonly memberId: string;
  readonly leaderId: string;
  readonly isLeader: boolean;
  readonly protocol: string;
  /** The leader's encoded assignment; empty when it assigned nothing. */
  readonly assignment: Buffer;
}

/**
 * Called by the member's loop, one at a time, except `onLost`. Heartbeats continue while they run. The member joins a
 * rebalance only after they are done, so none may take longer than the rebalance timeout. If one rejects, the next
 * round calls it again after a growing delay; until then the member does not join but stays alive.
 */
export interface GroupMemberCallbacks {
  /**
   * Leader only: returns the bytes of each member id; omitted members get empty bytes. A rejection makes the leader
   * rejoin.
   */
  assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>>;
  /** Called before every join, including the first: stop what must not run during a rebalance. Commits still work. */
  onPrepare(): Promise<void>;
  /** If `onLost` is called while this runs or waits, it must not take the assignment any more. */
  onAssigned(assignment: GroupAssignment): Promise<void>;
  /**
   * The coordinator has dropped this member or is unreachable (see `coordinatorTimeoutMs`): the assigned work may
   * already run elsewhere. Called at once, even while another callback runs, so it must not wait for that one. The
   * member joins again once it has resolved.
   *
   * @param leftMs the time during which no other member can have the work yet: the rest of the session while the
   *   coordinator is unreachable, 0 once it has dropped the member.
   */
  onLost(error: Error, leftMs: number): Promise<void>;
  /**
   * The coordinator refuses the member for a reason that will hardly pass by itself (not authorized, session timeout
   * outside the broker's bounds, no protocol in common with the others). The member still retries every few seconds.
   */
  onRefused?(error: Error): void;
}

/**
 * A member of a group (JoinGroup, SyncGroup, Heartbeat, LeaveGroup). It retries all failures of brokers, with backoff.
 */
export interface GroupMember {
  /** Starts joining. @throws ClientClosedError after `leave` or `abandon`, as do `commitOffsets` and `fetchOffsets`. */
  start(): void;
  /** The member's current generation; undefined while it is joining or lost. */
  readonly generation: GroupAssignment | undefined;
  /** Makes the whole group rebalance, because metadata has changed. */
  requestRejoin(reason: string): void;
  /**
   * Stops taking part in rebalances: the member calls no callback but `onLost` and never joins again. It stays alive
   * until `leave`, so that no other member takes over the work its owner is still finishing.
   */
  retire(): void;
  /**
   * Leaves the group, so that others take over at once, and ends. Awaits running callbacks; does not call `onPrepare`.
   */
  leave(): Promise<void>;
  /** Ends without notifying the coordinator, like a crash. */
  abandon(): void;
  /**
   * Commits in the current generation.
   * @throws KafkaError ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID or REBALANCE_IN_PROGRESS: nothing was committed, and
   *   others may own the partitions.
   */
  commitOffsets(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void>;
  /** Committed offsets; partitions without one are left out. */
  fetchOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]>;
}
