import {
  ConflictError,
  type ErrorKind,
  errorKind,
  type Logger,
  type Props,
  type SourceRetention,
} from "../../api/index.js";
import { errorMessage, traceOf } from "../../base/trace/error-trace.js";
import type { TargetState } from "../../contract/target-state.js";
import { checkTaskCount, tasksMax } from "../task/task-count.js";
import type { ConnectorFacts, ConnectorSnapshot, ConnectorState } from "../worker.js";
import type { PluginRun, PluginRunEvents } from "./plugin-run.js";

export interface ConnectorParts {
  readonly name: string;
  readonly plugin: ConnectorFacts;
  readonly props: Props;
  readonly logger: Logger;
  /** Called before each start. @throws ConfigError for settings of the framework with which it must not start */
  readonly check: () => void;
  /** Opens the connector's run in the connectors' host. */
  readonly open: (events: PluginRunEvents) => PluginRun;
  /** `kind` is the error's for FAILED. */
  readonly status: (state: ConnectorState, trace: string | null, kind?: ErrorKind | null) => void;
  readonly requestReconfiguration: () => void;
}

/**
 * The life of one connector object in the connectors' host: created once, started and stopped to match its target
 * state, one call at a time. A FAILED one can only be stopped; a new runner replaces it.
 */
export class ConnectorRunner {
  readonly #object: PluginRun;
  #state: ConnectorState | undefined;
  #trace: string | null = null;
  /** `start` has been called and `stop` has not. */
  #started = false;
  #cancelled = false;
  #retention: SourceRetention | null = null;
  #work: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: ConnectorParts) {
    this.#object = parts.open({
      reconfigure: () => {
        if (!this.#cancelled && this.#started) parts.requestReconfiguration();
      },
      retention: (retention) => {
        this.#retention = this.#started ? retention : null;
      },
      failed: (error) => this.#fail(error),
    });
  }

  snapshot(): ConnectorSnapshot {
    const { name, plugin } = this.parts;
    return {
      name,
      state: this.#state ?? "UNASSIGNED",
      trace: this.#trace,
      version: plugin.version,
      retention: this.#retention,
    };
  }

  /** Brings it to the target state and resolves with its state then. Never rejects. */
  setTargetState(target: TargetState): Promise<ConnectorState> {
    return this.#queue(async () => {
      if (this.#cancelled) return "UNASSIGNED";
      if (this.#state === "FAILED" && target !== "STOPPED") return "FAILED";
      try {
        if (target === "STARTED") await this.#start();
        else await this.#stop(target);
        return this.#state ?? "UNASSIGNED";
      } catch (error) {
        this.#fail(error);
        return "FAILED";
      }
    });
  }

  /** @throws ConflictError CONNECTOR_NOT_RUNNING; ConfigError for more than tasks.max; the connector's own errors */
  taskConfigs(): Promise<Record<string, string>[]> {
    return this.#queue(async () => {
      const { name, plugin, props, logger } = this.parts;
      if (this.#state !== "RUNNING") {
        const message = `Connector ${name} is ${this.#state ?? "not started"}: it has task configurations only while RUNNING`;
        throw new ConflictError("CONNECTOR_NOT_RUNNING", message);
      }
      const maxTasks = tasksMax(props);
      const configs = (await this.#object.call({ method: "taskConfigs", maxTasks })) as Record<string, string>[];
      try {
        const warning = checkTaskCount(name, props, configs.length);
        if (warning) logger.warn(warning);
      } catch (error) {
        this.#fail(error);
        throw error;
      }
      const topics = Object.fromEntries(Object.entries(props).filter(([key]) => TOPIC_KEYS.includes(key)));
      return configs.map((config) => ({ ...config, "task.class": plugin.taskClassName, ...topics }));
    });
  }

  /** Stops it for good and reports UNASSIGNED, unless it has FAILED: that status stays. Never rejects. */
  end(): Promise<void> {
    return this.#queue(async () => {
      try {
        await this.#stopObject();
      } catch (cause) {
        this.parts.logger.warn("The connector failed to stop cleanly", {}, cause);
      }
      if (this.#state !== "FAILED") this.#report("UNASSIGNED", null);
      this.#cancelled = true;
      this.#object.drop();
    });
  }

  /**
   * Abandons it while it hangs in a call: reports UNASSIGNED and ignores everything it does afterwards. `end` is
   * queued behind that call and still needs the run: if the connector starts after all, it must be stopped.
   */
  cancel(): void {
    if (this.#cancelled) return;
    if (this.#state !== "FAILED") this.#report("UNASSIGNED", null);
    this.#cancelled = true;
    this.#object.cancel();
  }

  /** As a crash would: from here on it reports nothing. */
  abandon(): void {
    this.#cancelled = true;
    this.#object.cancel();
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    const { name, plugin, props, check } = this.parts;
    check();
    this.#started = true;
    await this.#object.call({ method: "start", name, className: plugin.className, props });
    // It may have raised an error while it started.
    if (this.#state !== "FAILED") this.#report("RUNNING", null);
  }

  /** STOPPED succeeds even if the connector's `stop` fails; PAUSED does not. */
  async #stop(target: "PAUSED" | "STOPPED"): Promise<void> {
    try {
      await this.#stopObject();
    } catch (error) {
      if (target === "PAUSED") throw error;
      this.parts.logger.warn("The connector failed to stop cleanly", {}, error);
    }
    this.#report(target, null);
  }

  async #stopObject(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    this.#retention = null;
    await this.#object.call({ method: "stop" });
  }

  #fail(error: unknown): void {
    // The first failure is the reason; later ones follow from it.
    if (this.#cancelled || this.#state === "FAILED") return;
    this.parts.logger.error(`The connector failed: ${errorMessage(error)}`, {}, error);
    this.#report("FAILED", traceOf(error), errorKind(error) ?? null);
  }

  #report(state: ConnectorState, trace: string | null, kind?: ErrorKind | null): void {
    if (this.#cancelled) return;
    this.#state = state;
    this.#trace = trace;
    this.parts.status(state, trace, kind);
  }

  #queue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    // A failed call must not fail those queued behind it; its own caller has the rejection.
    this.#work = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}

const TOPIC_KEYS = ["topics", "topics.regex"];
