import { deferred } from "../../base/deferred.js";
import { heartbeat } from "../../protocol/apis/heartbeat.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { GroupMemberOptions } from "../client/group-member.js";
import type { Cluster } from "../cluster/cluster.js";
import { backoffMs } from "../cluster/retry.js";
import type { Committer, CoordinatorClient } from "./coordinator-client.js";
import { type HeartbeatVerdict, judgeHeartbeat, type Silence } from "./heartbeat-verdict.js";

/** The member that sends the heartbeats. */
export interface HeartbeatOwner {
  /** The sender of the next heartbeat; undefined while none is needed. */
  beating(): Committer | undefined;
  /**
   * Called after each heartbeat, unless the member's generation has changed or it needs no heartbeats any more.
   * @param error undefined for `alive`.
   */
  judged(verdict: HeartbeatVerdict, error: unknown): void;
}

/** Sends a member's heartbeats, also while its callbacks run, and judges each outcome. */
export class Heartbeats {
  #aliveAtMs = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly coordinator: CoordinatorClient,
    private readonly options: GroupMemberOptions,
    private readonly owner: HeartbeatOwner,
  ) {}

  /**
   * The coordinator counts the member as alive because of another request, over another connection. Without this, the
   * first heartbeat after an outage would be judged by the outage, though the join has ended it.
   */
  noteAlive(): void {
    this.#aliveAtMs = this.cluster.clock.monotonicMs();
    this.coordinator.noteReachable();
  }

  /**
   * The time in milliseconds during which the coordinator cannot give the member's work to others. The coordinator
   * counts the session from the arrival of the last heartbeat; this counts from its sending, which is earlier.
   */
  get sessionLeftMs(): number {
    const { silentMs, sessionTimeoutMs } = this.#silence();
    return Math.max(0, sessionTimeoutMs - silentMs);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.cluster;
    let failures = 0;
    while (!signal.aborted) {
      await clock.delay(failures === 0 ? this.options.heartbeatIntervalMs : this.#retryMs(failures), signal);
      const sender = this.owner.beating();
      if (signal.aborted || !sender) continue;
      const sentAtMs = clock.monotonicMs();
      const error = await this.#send(sender);
      const isPast = signal.aborted || this.owner.beating()?.generationId !== sender.generationId;
      failures = isPast || this.#judge(error, sentAtMs) ? 0 : failures + 1;
    }
  }

  /** A wait beyond the session's end would let the member work on while others start its work. */
  #retryMs(failures: number): number {
    const waitMs = Math.min(this.options.heartbeatIntervalMs, backoffMs(this.cluster, failures));
    const leftMs = this.sessionLeftMs;
    return leftMs > 0 ? Math.min(waitMs, leftMs + 1) : waitMs;
  }

  /** Returns whether the coordinator counts the member as alive. */
  #judge(error: unknown, sentAtMs: number): boolean {
    const verdict = judgeHeartbeat(error, this.#silence());
    const isAlive = verdict === "alive" || verdict === "rejoin";
    if (verdict === "search" || verdict === "refused" || verdict === "unreachable") this.coordinator.forget();
    if (isAlive) this.#aliveAtMs = sentAtMs;
    // The coordinator found next has a whole session to answer.
    if (verdict === "search" || verdict === "refused") this.#aliveAtMs = this.cluster.clock.monotonicMs();
    this.owner.judged(verdict, error);
    return isAlive;
  }

  /**
   * Sends one heartbeat; returns its error, or undefined. Waits no longer than until the silence must be judged again.
   */
  async #send(sender: Committer): Promise<unknown> {
    const { groupId } = this.options;
    const context = `Heartbeat to group ${groupId}`;
    const send = async (): Promise<unknown> => {
      try {
        const { errorCode } = await this.coordinator.send(heartbeat, { groupId, ...sender });
        this.coordinator.check(errorCode, context);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    const timedOut = deferred<unknown>();
    const timer = this.cluster.clock.schedule(this.#patienceMs(), () =>
      timedOut.resolve(new KafkaError("REQUEST_TIMED_OUT", context)),
    );
    const outcome = await Promise.race([send(), timedOut.promise]);
    timer.cancel();
    return outcome;
  }

  #patienceMs(): number {
    const { silentMs, sessionTimeoutMs, unknownForMs, coordinatorTimeoutMs } = this.#silence();
    const sessionMs = Math.max(0, sessionTimeoutMs - silentMs) + 1;
    if (coordinatorTimeoutMs === undefined || unknownForMs === 0) return sessionMs;
    return Math.min(sessionMs, Math.max(0, coordinatorTimeoutMs - unknownForMs) + 1);
  }

  #silence(): Silence {
    const { sessionTimeoutMs, coordinatorTimeoutMs } = this.options;
    const silentMs = this.cluster.clock.monotonicMs() - this.#aliveAtMs;
    return { silentMs, sessionTimeoutMs, unknownForMs: this.coordinator.unknownForMs, coordinatorTimeoutMs };
  }
}
