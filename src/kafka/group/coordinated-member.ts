import { withAnySignal } from "../../base/any-signal.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { heartbeat } from "../../protocol/apis/heartbeat.js";
import { joinGroup } from "../../protocol/apis/join-group.js";
import { leaveGroup } from "../../protocol/apis/leave-group.js";
import { syncGroup } from "../../protocol/apis/sync-group.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { OutputOf } from "../../protocol/message-fields.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { Connectivity, reasonOf } from "../cluster/connectivity.js";
import { backoffMs, retrying } from "../cluster/retry.js";
import type {
  CommittedOffset,
  GroupAssignment,
  GroupMember,
  GroupMemberCallbacks,
  GroupMemberOptions,
  TopicPartition,
} from "../kafka-client.js";
import { type Committer, CoordinatorClient } from "./coordinator-client.js";
import { judgeHeartbeat, judgeJoin } from "./heartbeat-verdict.js";

type Joined = OutputOf<(typeof joinGroup)["responseFields"]>;

/** Beyond the rebalance timeout, after which the coordinator answers a parked join in any case. */
const JOIN_MARGIN_MS = 5_000;
/** Between attempts of a member that is refused. */
const REFUSED_WAIT_MS = 5_000;
/** How long leaving may take: the session timeout does the same, only later. */
const LEAVE_TIMEOUT_MS = 2_000;

/**
 * A member of a group. Two loops: one that prepares, joins and hands out the assignment, round after round; one that
 * sends heartbeats whenever the member is in a generation, also while callbacks run.
 */
export class CoordinatedMember implements GroupMember {
  readonly #lane: Lane;
  /** Commits must not wait behind a parked join. */
  readonly #offsetsLane: Lane;
  readonly #coordinator: CoordinatorClient;
  readonly #offsets: CoordinatorClient;
  readonly #connectivity: Connectivity;
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;
  #memberId = "";
  #generationId = -1;
  #current: GroupAssignment | undefined;
  /** An assignment was handed out and neither replaced nor lost. */
  #holding = false;
  /** A join or sync is in flight, and counts as a sign of life. */
  #exchanging = false;
  #lastAliveMs = 0;
  #rejoinReason: string | undefined;
  #lost: Error | undefined;
  #changed: Deferred<void> = deferred();
  #refusal: string | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: GroupMemberOptions,
    private readonly callbacks: GroupMemberCallbacks,
  ) {
    this.#lane = cluster.lane(() => this.abandon());
    this.#offsetsLane = cluster.lane();
    this.#coordinator = new CoordinatorClient(options.groupId, cluster, this.#lane);
    this.#offsets = new CoordinatorClient(options.groupId, cluster, this.#offsetsLane);
    this.#connectivity = new Connectivity(options.onConnectivity);
  }

  start(): void {
    this.#running ??= Promise.all([this.#run(), this.#beat()]);
  }

  get generation(): GroupAssignment | undefined {
    return this.#current;
  }

  requestRejoin(reason: string): void {
    this.#rejoinReason ??= reason;
    this.#changed.resolve();
  }

  /** Leaves the group as after a failure and joins again once `onLost` has run: for an owner that has stopped polling. */
  async suspend(error: Error): Promise<void> {
    const memberId = this.#memberId;
    this.#lose(error);
    await this.#sendLeave(memberId);
  }

  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#end();
    await this.#running;
    await this.#sendLeave(this.#memberId);
    this.#offsetsLane.close();
  }

  abandon(): void {
    this.#end();
    this.#offsetsLane.close();
  }

  async commitOffsets(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void> {
    const timeoutMs = this.cluster.config.apiTimeoutMs;
    // Taken once: an attempt made after the member was lost and has joined again must be refused, not overwrite what
    // the partitions' new owner has committed.
    const committer = this.#committer();
    await this.#orStopped(signal, (until) =>
      retrying(this.cluster, { timeoutMs, signal: until }, () => this.#offsets.commit(offsets, committer)),
    );
  }

  fetchOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]> {
    const timeoutMs = this.cluster.config.apiTimeoutMs;
    return this.#orStopped(signal, (until) =>
      retrying(this.cluster, { timeoutMs, signal: until }, () => this.#offsets.fetchOffsets(partitions)),
    );
  }

  /** Waiting ends with the caller's patience or the member's own end; leaving itself still commits. */
  #orStopped<T>(signal: AbortSignal | undefined, run: (until: AbortSignal) => Promise<T>): Promise<T> {
    return withAnySignal([signal, this.#stop.signal], run);
  }

  #committer(): Committer {
    if (this.#generationId < 0) {
      throw new KafkaError("UNKNOWN_MEMBER_ID", `Committing offsets of group ${this.options.groupId}`, {
        detail: "this member is not in the group at the moment; others may own its partitions",
      });
    }
    return { generationId: this.#generationId, memberId: this.#memberId };
  }

  // --- rounds ---

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#call("preparing for a rebalance", () => this.callbacks.onPrepare());
      const assignment = await this.#join();
      if (assignment) {
        this.#current = assignment;
        this.#holding = true;
        this.#connectivity.moving();
        await this.#call("taking an assignment", () => this.callbacks.onAssigned(assignment));
        await this.#untilChanged();
        this.#current = undefined;
      }
      await this.#tellLost();
    }
  }

  async #untilChanged(): Promise<void> {
    while (this.#rejoinReason === undefined && !this.#lost && !this.#stop.signal.aborted) {
      this.#changed = deferred();
      await this.#changed.promise;
    }
    if (this.#rejoinReason === undefined) return;
    this.cluster.logger.info("Rejoining the group", { group: this.options.groupId, reason: this.#rejoinReason });
  }

  async #tellLost(): Promise<void> {
    const error = this.#lost;
    this.#lost = undefined;
    if (!error || !this.#holding || this.#stop.signal.aborted) return;
    this.#holding = false;
    await this.#call("giving up what was lost", () => this.callbacks.onLost(error));
  }

  /** A callback that fails is our owner's trouble: it is logged, and the group goes on. */
  async #call(doing: string, callback: () => Promise<void>): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      await callback();
    } catch (cause) {
      this.cluster.logger.error(`Group ${this.options.groupId}: ${doing} failed`, {}, cause);
      this.requestRejoin(`${doing} failed`);
    }
  }

  /** Tries until the member has an assignment; undefined when it was lost or stopped meanwhile. */
  async #join(): Promise<GroupAssignment | undefined> {
    for (let failures = 0; !this.#lost && !this.#stop.signal.aborted; ) {
      try {
        const assignment = await this.#joinOnce();
        this.#refusal = undefined;
        return assignment;
      } catch (error) {
        if (this.#stop.signal.aborted) return undefined;
        failures++;
        await this.#afterFailedJoin(error, failures);
      }
    }
    return undefined;
  }

  async #afterFailedJoin(cause: unknown, failures: number): Promise<void> {
    const error = cause instanceof KafkaError ? cause : assignFailed(this.options.groupId, cause);
    const verdict = judgeJoin(error);
    if (verdict === "again-with-id") return;
    if (verdict === "again-as-new") {
      this.#lose(error);
      return;
    }
    if (this.#holding && this.#silentMs() > this.options.sessionTimeoutMs) {
      this.#lose(error);
      return;
    }
    const isRefused = verdict === "refused";
    if (isRefused) this.#refused(error);
    if (verdict !== "again" || failures > 1) this.#connectivity.waiting(reasonOf(error));
    const waitMs = isRefused ? REFUSED_WAIT_MS : backoffMs(this.cluster, failures);
    await this.cluster.clock.delay(waitMs, this.#stop.signal);
  }

  #refused(error: KafkaError): void {
    if (this.#refusal !== error.message) {
      this.cluster.logger.error("The group refuses this member", { group: this.options.groupId }, error);
    }
    this.#refusal = error.message;
    this.callbacks.onRefused?.(error);
  }

  async #joinOnce(): Promise<GroupAssignment> {
    this.#rejoinReason = undefined;
    const { groupId, protocolType, sessionTimeoutMs, rebalanceTimeoutMs } = this.options;
    const request = {
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      protocolType,
      protocols: this.options.protocols(),
    };
    const extraTimeoutMs = rebalanceTimeoutMs + JOIN_MARGIN_MS;
    const joined = await this.#exchange(() => this.#coordinator.send(joinGroup, request, { extraTimeoutMs }));
    if (joined.errorCode === ErrorCodes.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId;
    this.#coordinator.check(joined.errorCode, `Joining group ${groupId}`);
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    this.#lastAliveMs = this.cluster.clock.monotonicMs();
    const assignments = joined.leader === joined.memberId ? await this.#assign(joined) : [];
    const { memberId, generationId } = joined;
    const synced = await this.#exchange(() =>
      this.#coordinator.send(syncGroup, { groupId, generationId, memberId, assignments }, { extraTimeoutMs }),
    );
    this.#coordinator.check(synced.errorCode, `Getting an assignment of group ${groupId}`);
    this.#lastAliveMs = this.cluster.clock.monotonicMs();
    return {
      generationId,
      memberId,
      leaderId: joined.leader,
      isLeader: joined.leader === memberId,
      protocol: joined.protocolName ?? "",
      assignment: synced.assignment,
    };
  }

  async #assign({ protocolName, generationId, leader, members }: Joined) {
    const input = { protocol: protocolName ?? "", generationId, leaderId: leader, members };
    const assigned = await this.callbacks.assign(input);
    return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment }));
  }

  async #exchange<T>(send: () => Promise<T>): Promise<T> {
    this.#exchanging = true;
    try {
      return await send();
    } finally {
      this.#exchanging = false;
    }
  }

  // --- staying alive ---

  async #beat(): Promise<void> {
    const { clock } = this.cluster;
    const { heartbeatIntervalMs } = this.options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const waitMs =
        failures === 0 ? heartbeatIntervalMs : Math.min(heartbeatIntervalMs, backoffMs(this.cluster, failures));
      await clock.delay(waitMs, this.#stop.signal);
      if (this.#stop.signal.aborted || this.#generationId < 0 || this.#exchanging || this.#lost) continue;
      failures = (await this.#beatOnce()) ? 0 : failures + 1;
    }
  }

  /** Whether the coordinator took the member for alive. */
  async #beatOnce(): Promise<boolean> {
    const generationId = this.#generationId;
    const error = await this.#beatError();
    const isPast = this.#stop.signal.aborted || generationId !== this.#generationId || this.#exchanging;
    if (isPast) return true;
    switch (judgeHeartbeat(error, this.#silentMs(), this.options.sessionTimeoutMs)) {
      case "alive":
        this.#lastAliveMs = this.cluster.clock.monotonicMs();
        this.#connectivity.moving();
        return true;
      case "rejoin":
        this.#lastAliveMs = this.cluster.clock.monotonicMs();
        this.requestRejoin("the group rebalances");
        return true;
      case "lost":
        this.#lose(error instanceof Error ? error : new Error(String(error)));
        return false;
      case "search":
        this.#connectivity.waiting(reasonOf(error));
        return false;
    }
  }

  /** What went wrong with one heartbeat; undefined when it was answered well. Waits no longer than the session lasts. */
  async #beatError(): Promise<unknown> {
    const { groupId, sessionTimeoutMs } = this.options;
    const request = { groupId, generationId: this.#generationId, memberId: this.#memberId };
    const over = new AbortController();
    const send = async (): Promise<unknown> => {
      try {
        const { errorCode } = await this.#coordinator.send(heartbeat, request);
        this.#coordinator.check(errorCode, `Heartbeat to group ${groupId}`);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const leftMs = Math.max(0, sessionTimeoutMs - this.#silentMs()) + 1;
    const timeout = this.cluster.clock
      .delay(leftMs, over.signal)
      .then(() => new KafkaError("REQUEST_TIMED_OUT", `Heartbeat to group ${groupId}`));
    const outcome = await Promise.race([send(), timeout]);
    over.abort();
    return outcome;
  }

  #silentMs(): number {
    return this.cluster.clock.monotonicMs() - this.#lastAliveMs;
  }

  /** What was assigned may run elsewhere by now. */
  #lose(error: Error): void {
    this.#memberId = "";
    this.#generationId = -1;
    this.#current = undefined;
    this.#lost ??= error;
    this.#changed.resolve();
  }

  // --- the end ---

  #end(): void {
    this.#current = undefined;
    this.#stop.abort();
    this.#changed.resolve();
    this.#lane.close();
  }

  /** Tells the coordinator, if it listens; the session timeout does the same later, so a failure is only logged. */
  async #sendLeave(memberId: string): Promise<void> {
    if (memberId === "") return;
    const { groupId } = this.options;
    const over = new AbortController();
    const send = async () => {
      try {
        await this.#offsets.send(leaveGroup, { groupId, memberId, members: [{ memberId }] });
      } catch (cause) {
        this.cluster.logger.warn("The group was not told that this member leaves", { group: groupId }, cause);
      }
    };
    await Promise.race([send(), this.cluster.clock.delay(LEAVE_TIMEOUT_MS, over.signal)]);
    over.abort();
  }
}

function assignFailed(groupId: string, cause: unknown): KafkaError {
  return new KafkaError("COORDINATOR_NOT_AVAILABLE", `Joining group ${groupId}`, {
    cause,
    detail: `assigning as the leader failed: ${reasonOf(cause)}`,
  });
}
