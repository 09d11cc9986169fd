import type { Clock } from "../../api/index.js";
import type { TaskId } from "../../contract/task-id.js";
import type { StatusSubject } from "../../stores/status-fold.js";
import type { StatusStore } from "../../stores/status-store.js";
import type { ConnectorState, TaskState, WorkerListener } from "../../worker/worker.js";
import type { Redactions } from "../config/redaction.js";

export interface StatusReporterOptions {
  readonly store: StatusStore;
  /** Advertised host and port: how this worker is named in statuses. */
  readonly workerId: string;
  readonly clock: Clock;
  /** The group's generation that this worker is in. */
  generation(): number;
  /** Whether the config topic still has this connector, or this task. */
  isConfigured(subject: StatusSubject): boolean;
  /** Whether the topics that connectors use are noted (`topic.tracking.enable`). */
  readonly tracksTopics: boolean;
  requestReconfiguration(connector: string): void;
  /** What the connectors' references stand for must not get into the status topic. */
  readonly redactions: Redactions;
}

/**
 * Writes what the worker tells about connectors and tasks to the status topic. What is no longer configured gets no
 * status: an UNASSIGNED that came after the leader's clean-up would show a connector that was deleted.
 */
export class StatusReporter implements WorkerListener {
  constructor(private readonly options: StatusReporterOptions) {}

  connectorStatus(connector: string, state: ConnectorState, trace: string | null, version: string | null): void {
    this.#write({ connector }, state, trace, version);
  }

  taskStatus({ connector, task }: TaskId, state: TaskState, trace: string | null, version: string | null): void {
    this.#write({ connector, task }, state, trace, version);
  }

  /** That a restart which the user asked for is under way. */
  restarting(subject: StatusSubject): void {
    const { store, workerId, generation } = this.options;
    store.put(subject, { state: "RESTARTING", trace: null, workerId, generation: generation(), version: null });
  }

  requestReconfiguration(connector: string): void {
    this.options.requestReconfiguration(connector);
  }

  topicUsed({ connector, task }: TaskId, topic: string): void {
    const { store, clock, tracksTopics } = this.options;
    if (tracksTopics) store.putTopic({ topic, connector, task, discoveredMs: clock.nowMs() });
  }

  #write(subject: StatusSubject, state: ConnectorState, trace: string | null, version: string | null): void {
    const { store, workerId, generation, isConfigured, redactions } = this.options;
    if (!isConfigured(subject)) return;
    const own = trace && redactions.of(subject.connector).text(trace);
    // Why a task failed may be another connector's doing: the one that ended the task host they shared.
    const shown = own && state === "FAILED" ? redactions.ofAll(own) : own;
    const status = { state, trace: shown, workerId, generation: generation(), version };
    const stillWanted = () => isConfigured(subject);
    if (state === "UNASSIGNED" || state === "FAILED") store.putSafe(subject, status, stillWanted);
    else store.put(subject, status, stillWanted);
  }
}
