import { withAnySignal } from "../../base/any-signal.js";
import { Backoff } from "../../base/backoff.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { joinGroup } from "../../protocol/apis/join-group.js";
import { leaveGroup } from "../../protocol/apis/leave-group.js";
import { syncGroup } from "../../protocol/apis/sync-group.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { OutputOf } from "../../protocol/message-fields.js";
import type { GroupAssignment, GroupMember, GroupMemberCallbacks, GroupMemberOptions } from "../client/group-member.js";
import type { CommittedOffset, TopicPartition } from "../client/topic-partition.js";
import { ClientClosedError } from "../client-closed-error.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { Connectivity, reasonOf } from "../cluster/connectivity.js";
import { backoffMs, retrying } from "../cluster/retry.js";
import { type Committer, CoordinatorClient } from "./coordinator-client.js";
import { type HeartbeatVerdict, isUnreachable, judgeJoin } from "./heartbeat-verdict.js";
import { Heartbeats } from "./heartbeats.js";

type Joined = OutputOf<(typeof joinGroup)["responseFields"]>;

/** Between attempts after a callback failed. */
const CALLBACK_BACKOFF = { initialMs: 250, maxMs: 10_000 };
/** Added to the rebalance timeout, after which the coordinator answers a parked join in any case. */
const JOIN_MARGIN_MS = 5_000;
/** Between attempts of a refused member. */
const REFUSED_WAIT_MS = 5_000;
/** Leaving waits no longer than this: otherwise the session timeout removes the member, only later. */
const LEAVE_TIMEOUT_MS = 2_000;

/**
 * A member of a group. It runs two loops: rounds of preparing, joining and passing on the assignment; and heartbeats,
 * which also detect that the member was lost.
 */
export class CoordinatedMember implements GroupMember {
  readonly #lane: Lane;
  /** For commits and heartbeats while a join is parked on the other lane: they must not wait behind it. */
  readonly #besideLane: Lane;
  readonly #coordinator: CoordinatorClient;
  readonly #offsets: CoordinatorClient;
  readonly #connectivity: Connectivity;
  readonly #heartbeats: Heartbeats;
  /** Aborted: no more rounds, but heartbeats continue. */
  readonly #retired = new AbortController();
  readonly #stop = new AbortController();
  #running: Promise<unknown> | undefined;
  #memberId = "";
  #generationId = -1;
  #current: GroupAssignment | undefined;
  /** The owner has an assignment that was neither replaced nor lost. */
  #holding = false;
  /** The number of times the member was lost. */
  #losses = 0;
  /** Resolves once the owner has given up the assignment that was lost last. */
  #lossHandled: Promise<void> = Promise.resolve();
  /** A join or sync is in flight, which the coordinator counts as a sign of life. */
  #exchanging = false;
  #rejoinReason: string | undefined;
  #changed: Deferred<void> = deferred();
  #refusal: string | undefined;
  #closed = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly options: GroupMemberOptions,
    private readonly callbacks: GroupMemberCallbacks,
  ) {
    this.#lane = cluster.lane(() => this.abandon());
    this.#besideLane = cluster.lane();
    this.#coordinator = new CoordinatorClient(options.groupId, cluster, () => this.#lane);
    this.#offsets = new CoordinatorClient(options.groupId, cluster, () => this.#freeLane);
    this.#connectivity = new Connectivity(options.onConnectivity);
    this.#heartbeats = new Heartbeats(cluster, this.#offsets, options, {
      beating: () => this.#beating(),
      judged: (verdict, error) => this.#onHeartbeat(verdict, error),
    });
  }

  /** One connection serves most members: a worker with a thousand consumers would need a thousand more. */
  get #freeLane(): Lane {
    return this.#exchanging || this.#lane.isClosed ? this.#besideLane : this.#lane;
  }

  start(): void {
    this.#throwIfClosed();
    if (this.#running) return;
    this.#running = Promise.all([this.#run(), this.#heartbeats.run(this.#stop.signal)]);
    mustRun(`The member of group ${this.options.groupId}`, this.#running);
  }

  get generation(): GroupAssignment | undefined {
    return this.#current;
  }

  requestRejoin(reason: string): void {
    this.#rejoinReason ??= reason;
    this.#changed.resolve();
  }

  /** Leaves the group as if lost, and joins again once `onLost` has run. For an owner that has stopped polling. */
  async suspend(error: Error): Promise<void> {
    const memberId = this.#memberId;
    this.#lose(error, "new id");
    await this.#sendLeave(memberId);
  }

  retire(): void {
    this.#retired.abort();
    this.#changed.resolve();
  }

  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#end();
    await this.#running;
    await this.#sendLeave(this.#memberId);
    this.#close();
  }

  abandon(): void {
    this.#end();
    this.#close();
  }

  async commitOffsets(offsets: readonly CommittedOffset[], signal?: AbortSignal): Promise<void> {
    this.#throwIfClosed();
    const timeoutMs = this.cluster.config.apiTimeoutMs;
    // Read once for all attempts: an attempt after the member was lost and has joined again must be refused. With the
    // new generation it would overwrite the commits of the partitions' new owner.
    const committer = this.#committer();
    await this.#orStopped(signal, (until) =>
      retrying(this.cluster, { timeoutMs, signal: until }, () => this.#offsets.commit(offsets, committer)),
    );
  }

  async fetchOffsets(partitions: readonly TopicPartition[], signal?: AbortSignal): Promise<CommittedOffset[]> {
    this.#throwIfClosed();
    const timeoutMs = this.cluster.config.apiTimeoutMs;
    return this.#orStopped(signal, (until) =>
      retrying(this.cluster, { timeoutMs, signal: until }, () => this.#offsets.fetchOffsets(partitions)),
    );
  }

  /** Runs until the caller's signal or the member's end. */
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
    const { signal } = this.#retired;
    const backoff = new Backoff(CALLBACK_BACKOFF, this.cluster.random);
    while (!signal.aborted) {
      await this.#lossHandled;
      if (await this.#round()) backoff.reset();
      else await this.cluster.clock.delay(backoff.nextMs(), signal);
    }
    await this.#lossHandled;
  }

  /** Prepares, joins, and waits until another round is needed. Returns false if a callback of the owner failed. */
  async #round(): Promise<boolean> {
    const losses = this.#losses;
    if (!(await this.#succeeds("preparing for a rebalance", () => this.callbacks.onPrepare()))) return false;
    const assignment = await this.#join(losses);
    if (!assignment || this.#retired.signal.aborted) return true;
    this.#current = assignment;
    this.#holding = true;
    this.#connectivity.moving();
    const isTaken = await this.#succeeds("taking an assignment", () => this.callbacks.onAssigned(assignment));
    if (isTaken) await this.#untilChanged(losses);
    this.#current = undefined;
    return isTaken;
  }

  async #untilChanged(losses: number): Promise<void> {
    while (this.#rejoinReason === undefined && this.#losses === losses && !this.#retired.signal.aborted) {
      this.#changed = deferred();
      await this.#changed.promise;
    }
    if (this.#rejoinReason === undefined) return;
    this.cluster.logger.info("Rejoining the group", { group: this.options.groupId, reason: this.#rejoinReason });
  }

  /** Runs a callback of the owner. Its failure is logged and does not end the member. */
  async #succeeds(doing: string, callback: () => Promise<void>): Promise<boolean> {
    try {
      await callback();
      return true;
    } catch (cause) {
      this.cluster.logger.error(`Group ${this.options.groupId}: ${doing} failed`, {}, cause);
      return false;
    }
  }

  /** Retries until the member has an assignment; undefined when it is lost or retired first. */
  async #join(losses: number): Promise<GroupAssignment | undefined> {
    const isLost = () => this.#losses !== losses;
    for (let failures = 0; !isLost() && !this.#retired.signal.aborted; ) {
      try {
        const assignment = await this.#joinOnce(isLost);
        this.#refusal = undefined;
        return assignment;
      } catch (error) {
        if (isLost() || this.#retired.signal.aborted) return undefined;
        failures++;
        await this.#afterFailedJoin(error, failures);
      }
    }
    return undefined;
  }

  async #afterFailedJoin(cause: unknown, failures: number): Promise<void> {
    const error = cause instanceof KafkaError ? cause : assignFailed(this.options.groupId, cause);
    const verdict = judgeJoin(error);
    if (verdict === "again-with-id" && failures === 1) return;
    if (verdict === "again-as-new") this.#lose(error, "new id");
    else if (this.#holding && this.#isUnreachable) this.#lose(error, "same id", this.#heartbeats.sessionLeftMs);
    const isRefused = verdict === "refused";
    if (isRefused) this.#refused(error);
    if (verdict !== "again" || failures > 1) this.#connectivity.waiting(reasonOf(error));
    const waitMs = isRefused ? REFUSED_WAIT_MS : backoffMs(this.cluster, failures);
    await this.cluster.clock.delay(waitMs, this.#retired.signal);
  }

  get #isUnreachable(): boolean {
    const { sessionTimeoutMs, coordinatorTimeoutMs } = this.options;
    // A parked join may rightly stay unanswered for any time, so silence does not count here.
    const silence = { silentMs: 0, sessionTimeoutMs, unknownForMs: this.#coordinator.unknownForMs };
    return isUnreachable({ ...silence, coordinatorTimeoutMs });
  }

  #refused(error: KafkaError): void {
    if (this.#refusal !== error.message) {
      this.cluster.logger.error("The group refuses this member", { group: this.options.groupId }, error);
    }
    this.#refusal = error.message;
    this.callbacks.onRefused?.(error);
  }

  async #joinOnce(isLost: () => boolean): Promise<GroupAssignment | undefined> {
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
    // A member that was lost in the meantime is in no generation, even if its join succeeded.
    if (isLost()) return undefined;
    this.#generationId = joined.generationId;
    this.#heartbeats.noteAlive();
    if (this.#retired.signal.aborted) return undefined;
    const assignments = joined.leader === joined.memberId ? await this.#assign(joined) : [];
    const { memberId, generationId } = joined;
    const synced = await this.#exchange(() =>
      this.#coordinator.send(syncGroup, { groupId, generationId, memberId, assignments }, { extraTimeoutMs }),
    );
    this.#coordinator.check(synced.errorCode, `Getting an assignment of group ${groupId}`);
    if (isLost()) return undefined;
    this.#heartbeats.noteAlive();
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

  /** @throws ClientClosedError once it ends: nothing would end a join that the coordinator parks from then on. */
  async #exchange<T>(send: () => Promise<T>): Promise<T> {
    if (this.#stop.signal.aborted) throw new ClientClosedError(`The member of group ${this.options.groupId}`);
    this.#exchanging = true;
    try {
      return await send();
    } finally {
      this.#exchanging = false;
    }
  }

  // --- staying alive ---

  /**
   * While a join is parked, only a Connect worker that holds work sends heartbeats. Its work keeps running: without
   * them, if its network died, it would wait for the join until long after others have taken over the work.
   */
  #beating(): Committer | undefined {
    const isNeedless = this.#exchanging && !(this.#holding && this.options.coordinatorTimeoutMs !== undefined);
    if (this.#generationId < 0 || isNeedless) return undefined;
    return { generationId: this.#generationId, memberId: this.#memberId };
  }

  #onHeartbeat(verdict: HeartbeatVerdict, error: unknown): void {
    if (this.#exchanging) {
      // ILLEGAL_GENERATION may only mean that the join's answer is on its way, but not after the session has ended.
      const isOver = verdict === "outdated" && this.#heartbeats.sessionLeftMs === 0;
      if (verdict !== "dropped" && verdict !== "unreachable" && !isOver) return;
    }
    switch (verdict) {
      case "alive":
        this.#connectivity.moving();
        return;
      case "rejoin":
        this.requestRejoin("the group rebalances");
        return;
      case "dropped":
        this.#lose(asError(error), "new id");
        return;
      case "outdated":
        this.#lose(asError(error), "same id");
        return;
      case "unreachable":
        this.#lose(asError(error), "same id", this.#heartbeats.sessionLeftMs);
        return;
      case "refused":
        this.callbacks.onRefused?.(asError(error));
        this.#connectivity.waiting(reasonOf(error));
        return;
      case "again":
      case "search":
        this.#connectivity.waiting(reasonOf(error));
    }
  }

  /**
   * The assigned work may run elsewhere by now. `onLost` is called at once, even while another callback runs: that one
   * may be hanging.
   *
   * @param leftMs as in `onLost`.
   */
  #lose(error: Error, next: "new id" | "same id", leftMs = 0): void {
    if (next === "new id") this.#memberId = "";
    this.#generationId = -1;
    this.#current = undefined;
    this.#losses++;
    if (this.#holding) this.#lossHandled = this.#giveUp(error, leftMs);
    this.#holding = false;
    if (this.#exchanging) this.#coordinator.forget();
    this.#changed.resolve();
  }

  /** The member does not join until its owner has given up the lost work, which would otherwise run twice. */
  async #giveUp(error: Error, leftMs: number): Promise<void> {
    const backoff = new Backoff(CALLBACK_BACKOFF, this.cluster.random);
    while (!(await this.#succeeds("giving up lost work", () => this.callbacks.onLost(error, leftMs)))) {
      await this.cluster.clock.delay(backoff.nextMs(), this.#stop.signal);
      if (this.#stop.signal.aborted) return;
    }
  }

  // --- the end ---

  #end(): void {
    this.#current = undefined;
    this.#stop.abort();
    this.retire();
    // Ends a parked join; if there is none, the connection is needed to leave.
    if (this.#exchanging) this.#lane.close();
  }

  #close(): void {
    this.#closed = true;
    this.#lane.close();
    this.#besideLane.close();
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new ClientClosedError(`The member of group ${this.options.groupId}`);
  }

  /** Notifies the coordinator. A failure is only logged, because the session timeout removes the member later. */
  async #sendLeave(memberId: string): Promise<void> {
    if (memberId === "") return;
    const { groupId } = this.options;
    const over = new AbortController();
    const send = async () => {
      try {
        await this.#offsets.send(leaveGroup, { groupId, memberId, members: [{ memberId }] });
      } catch (cause) {
        const message = "Leaving the group failed: the coordinator removes this member after its session timeout";
        this.cluster.logger.warn(message, { group: groupId }, cause);
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
