import type { Clock, ErrorKind } from "../../api/index.js";
import type { TaskId } from "../../contract/task-id.js";
import type { StatusSubject } from "../../stores/status-fold.js";
import type { StatusStore } from "../../stores/status-store.js";
import type { ConnectorState, TaskState, WorkerListener } from "../../worker/worker.js";
import type { Redactions } from "../config/redaction.js";
import type { AutoRestarts } from "./auto-restarts.js";

export interface StatusReporterOptions {
  readonly store: StatusStore;
  /** Advertised host and port: this worker's name in statuses. */
  readonly workerId: string;
  readonly clock: Clock;
  /** This worker's current generation. */
  generation(): number;
  /** Whether the config topic still has this connector or task. */
  isConfigured(subject: StatusSubject): boolean;
  /** Whether the topics that connectors use are recorded (`topic.tracking.enable`). */
  readonly tracksTopics: boolean;
  readonly autoRestarts: Pick<AutoRestarts, "failed" | "left" | "begun">;
  requestReconfiguration(connector: string): void;
  /** The values of the connectors' references must not get into the status topic. */
  readonly redactions: Redactions;
}

/**
 * Writes the worker's reports about connectors and tasks to the status topic. Removed connectors and tasks get no
 * status: an UNASSIGNED after the leader's clean-up would make a deleted connector visible again.
 */
export class StatusReporter implements WorkerListener {
  constructor(private readonly options: StatusReporterOptions) {}

  connectorStatus(
    connector: string,
    state: ConnectorState,
    trace: string | null,
    version: string | null,
    kind: ErrorKind | null = null,
  ): void {
    this.#write({ connector }, state, this.#withRestarts({ connector }, state, trace, kind), version);
  }

  taskStatus(
    { connector, task }: TaskId,
    state: TaskState,
    trace: string | null,
    version: string | null,
    kind: ErrorKind | null = null,
  ): void {
    const subject = { connector, task };
    this.#write(subject, state, this.#withRestarts(subject, state, trace, kind), version);
  }

  /** Notes that a restart requested by the user is in progress. */
  restarting(subject: StatusSubject): void {
    const { store, workerId, generation, isConfigured } = this.options;
    const status = { state: "RESTARTING", trace: null, workerId, generation: generation(), version: null } as const;
    store.put(subject, status, () => isConfigured(subject));
  }

  /** It is about to start. Not a status: that is reported once it runs. */
  starting(subject: StatusSubject): void {
    this.options.autoRestarts.begun(subject);
  }

  requestReconfiguration(connector: string): void {
    this.options.requestReconfiguration(connector);
  }

  topicUsed({ connector, task }: TaskId, topic: string): void {
    const { store, clock, tracksTopics, isConfigured } = this.options;
    // A task that is still stopping must not make the topics of its deleted connector visible again.
    if (tracksTopics && isConfigured({ connector }))
      store.putTopic({ topic, connector, task, discoveredMs: clock.nowMs() });
  }

  /** The trace, with what becomes of a failed connector or task by itself. */
  #withRestarts(subject: StatusSubject, state: ConnectorState, trace: string | null, kind: ErrorKind | null) {
    const { autoRestarts } = this.options;
    if (state !== "FAILED") {
      autoRestarts.left(subject, state);
      return trace;
    }
    const note = autoRestarts.failed(subject, kind);
    return note === undefined ? trace : `${trace?.trimEnd() ?? ""}\n${note}\n`;
  }

  #write(subject: StatusSubject, state: ConnectorState, trace: string | null, version: string | null): void {
    const { store, workerId, generation, isConfigured, redactions } = this.options;
    if (!isConfigured(subject)) {
      store.forget(subject);
      return;
    }
    const own = trace && redactions.text(subject.connector, trace);
    // Another connector may have made the task fail: the one that killed their common task host.
    const shown = own && state === "FAILED" ? redactions.ofAll(own) : own;
    const status = { state, trace: shown, workerId, generation: generation(), version };
    const stillWanted = () => isConfigured(subject);
    if (state === "UNASSIGNED" || state === "FAILED") store.putSafe(subject, status, stillWanted);
    else store.put(subject, status, stillWanted);
  }
}
