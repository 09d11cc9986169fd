import type { Clock, Logger, Random, Timer } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { LoopEndedError } from "../base/command-loop.js";
import type { ConfigSnapshot } from "../stores/config-fold.js";
import type { StatusStore } from "../stores/status-store.js";
import type { LeaderWriter } from "./membership/leader-writer.js";
import type { Place } from "./membership/membership.js";
import { isDue, newSessionKey, type SessionKeyKind } from "./membership/session-keys.js";
import { MisdirectedError } from "./misdirected-error.js";

export interface LeaderDutiesOptions {
  readonly status: StatusStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sessionKeyKind: SessionKeyKind;
  readonly sessionKeyTtlMs: number;
  configs(): ConfigSnapshot;
  /** This worker's current place. */
  place(): Place | undefined;
  asLeader(stage: string, what: string, step: (writer: LeaderWriter) => Promise<void>): Promise<void>;
}

/**
 * The leader's own duties: deletes statuses of removed connectors and tasks, also those that arrive later; removes tasks
 * of STOPPED connectors; renews the session key.
 */
export class LeaderDuties {
  readonly #backoff: Backoff;
  #timer: Timer | undefined;
  /** When the key that this leader found or wrote last becomes too old. */
  #keyDueMs = 0;

  constructor(private readonly options: LeaderDutiesOptions) {
    this.#backoff = new Backoff({ initialMs: 1_000, maxMs: 60_000 }, options.random);
  }

  /** Called with every place that this worker takes. Never fails, or the group would rebalance again. */
  onPlace(place: Place): void {
    this.stop();
    if (!place.isLeader) return;
    // The former owners stopped these connectors and tasks before this rebalance.
    const { status, configs } = this.options;
    for (const connector of status.connectors()) {
      this.#removeStaleStatuses(connector, place);
      if (!configs().connectors.has(connector)) status.removeTopics(connector);
    }
    for (const connector of configs().connectors.keys()) this.onTasks(connector);
    if (place.sessioned) this.#tendSessionKey();
  }

  /**
   * Called when tasks of a connector were committed. A commit that its writer had given up may arrive after the connector
   * was stopped: it would count as one that still has tasks, and its offsets could not be altered.
   */
  onTasks(connector: string): void {
    const { place, asLeader, logger } = this.options;
    if (!place()?.isLeader || !this.#hasStrayTasks(connector)) return;
    const stage = `removing the tasks of stopped connector ${connector} from the config topic`;
    asLeader(stage, `Removing the tasks of ${connector}`, async (writer) => {
      const before = writer.configs.connectors.get(connector);
      if (!before || !this.#hasStrayTasks(connector)) return;
      await writer.putTaskConfigs(connector, []);
      // It was resumed in the same moment, and may have found that its tasks are as they must be.
      if (writer.configs.connectors.get(connector)?.targetState === "STARTED")
        await writer.putTaskConfigs(connector, before.taskConfigs);
    }).catch((error: unknown) => {
      if (error instanceof LoopEndedError || error instanceof MisdirectedError) return;
      logger.warn("The tasks of a stopped connector could not be removed", { connector }, error);
    });
  }

  #hasStrayTasks(connector: string): boolean {
    const entry = this.options.configs().connectors.get(connector);
    return entry?.targetState === "STOPPED" && entry.taskCount > 0;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /**
   * Called when statuses of a connector have changed. A worker without a network may report its work as UNASSIGNED long
   * after the connector, or its task, was deleted.
   */
  onStatus(connector: string): void {
    const place = this.options.place();
    if (place?.isLeader) this.#removeStaleStatuses(connector, place);
  }

  #removeStaleStatuses(connector: string, place: Place): void {
    const { status, configs } = this.options;
    const isConfigured = (task?: number) => {
      const entry = configs().connectors.get(connector);
      return entry !== undefined && (task === undefined || task < entry.taskConfigs.length);
    };
    // Under the next leader they may exist again.
    const isStale = (task?: number) => this.options.place() === place && !isConfigured(task);
    for (const [task] of status.taskStatuses(connector)) {
      if (isStale(task)) status.remove({ connector, task }, () => isStale(task));
    }
    if (isStale() && status.status({ connector })) status.remove({ connector }, () => isStale());
  }

  /** Replaces the key when it is due. Runs again when the next one is due, or soon after a failure. */
  #tendSessionKey(): void {
    const { clock, logger, sessionKeyTtlMs, asLeader } = this.options;
    const stage = "writing a new session key to the config topic";
    asLeader(stage, "Writing the session key", (writer) => this.#renewSessionKey(writer)).then(
      () => {
        this.#backoff.reset();
        if (sessionKeyTtlMs === 0) return;
        // The bounds hold while the system's clock jumps, or runs ahead of the former leader's.
        this.#comeBack(Math.min(sessionKeyTtlMs, Math.max(1, this.#keyDueMs - clock.nowMs())));
      },
      (error: unknown) => {
        if (error instanceof LoopEndedError || error instanceof MisdirectedError) return;
        logger.warn("The session key could not be renewed; retrying", {}, error);
        this.#comeBack(this.#backoff.nextMs());
      },
    );
  }

  async #renewSessionKey(writer: LeaderWriter): Promise<void> {
    const { clock, random, sessionKeyKind, sessionKeyTtlMs } = this.options;
    const { sessionKey } = writer.configs;
    if (sessionKey && !isDue(sessionKey, sessionKeyKind, sessionKeyTtlMs, clock.nowMs())) {
      this.#keyDueMs = sessionKey.createdMs + sessionKeyTtlMs;
      return;
    }
    const key = newSessionKey(sessionKeyKind, clock, random);
    await writer.putSessionKey(key);
    this.#keyDueMs = key.createdMs + sessionKeyTtlMs;
  }

  #comeBack(delayMs: number): void {
    this.stop();
    this.#timer = this.options.clock.schedule(delayMs, () => {
      const place = this.options.place();
      // Without a place now, the next place starts it again.
      if (place?.isLeader && place.sessioned) this.#tendSessionKey();
    });
  }
}
