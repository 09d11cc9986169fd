import {
  type Clock,
  type ConfigDef,
  ConfigError,
  ConflictError,
  type Connector,
  type ConnectorPlugin,
  type Logger,
  type Props,
  parseConfig,
  type Random,
} from "../api/index.js";
import { errorMessage, traceOf } from "../base/error-trace.js";
import type { TargetState } from "../contract/target-state.js";
import type { ConnectorSnapshot, ConnectorState } from "./worker.js";

const tasksConfig = {
  "tasks.max": { type: "int", default: 1, doc: "The most tasks the connector may have." },
  "tasks.max.enforce": { type: "boolean", default: true, doc: "Whether a connector that gives more fails (KIP-1004)." },
} as const satisfies ConfigDef;

/**
 * Holds a number of tasks against `tasks.max` (KIP-1004).
 *
 * @throws ConfigError when there are more and `tasks.max.enforce` holds.
 * @returns a warning when there are more and they are let through.
 */
export function checkTaskCount(name: string, props: Props, count: number): string | undefined {
  const { "tasks.max": max, "tasks.max.enforce": enforced } = parseConfig(tasksConfig, props);
  if (count <= max) return undefined;
  const found = `The connector ${name} has generated ${count} tasks, which is greater than tasks.max=${max}`;
  if (enforced)
    throw new ConfigError("tasks.max", `${found}; raise tasks.max, or set tasks.max.enforce=false to let it pass`);
  return `${found}; they are let through because tasks.max.enforce=false`;
}

export interface ConnectorParts {
  readonly name: string;
  readonly plugin: ConnectorPlugin;
  readonly props: Props;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly status: (state: ConnectorState, trace: string | null) => void;
  readonly requestReconfiguration: () => void;
}

/**
 * One connector object through its life: made once, started and stopped as its target state wants, one call at a time. FAILED
 * is left only by stopping it; then a new runner is made.
 */
export class ConnectorRunner {
  #connector: Connector | undefined;
  #state: ConnectorState | undefined;
  #trace: string | null = null;
  /** `start` has been called and `stop` has not. */
  #started = false;
  #cancelled = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: ConnectorParts) {}

  snapshot(): ConnectorSnapshot {
    const { name, plugin } = this.parts;
    return { name, state: this.#state ?? "UNASSIGNED", trace: this.#trace, version: plugin.version };
  }

  /** Brings it to the target state; resolves with what came of it. Never rejects. */
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

  /** @throws ConflictError CONNECTOR_NOT_RUNNING, ConfigError for more than tasks.max, or what the connector throws. */
  taskConfigs(): Promise<Record<string, string>[]> {
    return this.#queue(async () => {
      const { name, plugin, props, logger } = this.parts;
      if (this.#state !== "RUNNING" || !this.#connector) {
        const message = `Connector ${name} is ${this.#state ?? "not started"}: it gives task configurations only while RUNNING`;
        throw new ConflictError("CONNECTOR_NOT_RUNNING", message);
      }
      const { "tasks.max": max } = parseConfig(tasksConfig, props);
      const configs = await this.#connector.taskConfigs(max);
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

  /** Stops it for good and reports UNASSIGNED, unless it has FAILED: that stays to be seen. Never rejects. */
  end(): Promise<void> {
    return this.#queue(async () => {
      try {
        await this.#stopObject();
      } catch (cause) {
        this.parts.logger.warn("Stopping the connector did not go well", {}, cause);
      }
      if (this.#state !== "FAILED") this.#report("UNASSIGNED", null);
      this.#cancelled = true;
    });
  }

  /** Gives it up while it hangs in a call: reports UNASSIGNED, and nothing that it does counts any more. */
  cancel(): void {
    if (this.#cancelled) return;
    if (this.#state !== "FAILED") this.#report("UNASSIGNED", null);
    this.#cancelled = true;
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    const { plugin, props } = this.parts;
    this.#connector ??= plugin.connector();
    this.#started = true;
    await this.#connector.start(this.#context(), props);
    this.#report("RUNNING", null);
  }

  /** STOPPED succeeds whatever the connector does about it; PAUSED may fail. */
  async #stop(target: "PAUSED" | "STOPPED"): Promise<void> {
    try {
      this.#connector ??= this.parts.plugin.connector();
      await this.#stopObject();
    } catch (error) {
      if (target === "PAUSED") throw error;
      this.parts.logger.warn("Stopping the connector did not go well", {}, error);
    }
    this.#report(target, null);
  }

  async #stopObject(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    await this.#connector?.stop();
  }

  #context() {
    const { name, clock, random, logger, requestReconfiguration } = this.parts;
    return {
      connectorName: name,
      clock,
      random,
      logger,
      requestTaskReconfiguration: () => {
        if (!this.#cancelled && this.#started) requestReconfiguration();
      },
      raiseError: (error: Error) => this.#fail(error),
    };
  }

  #fail(error: unknown): void {
    if (this.#cancelled) return;
    this.parts.logger.error(`The connector failed: ${errorMessage(error)}`, {}, error);
    this.#report("FAILED", traceOf(error));
  }

  #report(state: ConnectorState, trace: string | null): void {
    if (this.#cancelled) return;
    this.#state = state;
    this.#trace = trace;
    this.parts.status(state, trace);
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
