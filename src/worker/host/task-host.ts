import {
  type Clock,
  ConfigError,
  type LogFields,
  type Props,
  type Random,
  type SourceOffset,
} from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { InvariantError } from "../../base/invariant-error.js";
import { LOGGERS } from "../../base/log/logger-names.js";
import type { NamedLogger } from "../../base/logger.js";
import type { ThreadLoad } from "../../base/metrics/thread-load.js";
import type { TaskId } from "../../contract/task-id.js";
import { SinkTaskRunner } from "../sink/sink-task-runner.js";
import { parseSinkTopics } from "../sink/sink-topics.js";
import { SourceTaskRunner } from "../source/source-task-runner.js";
import { parseTopicCreation } from "../source/topic-creation.js";
import { type BoundarySettings, parseBoundary } from "../source/transaction-boundary.js";
import type { Transactions } from "../source/transaction-delivery.js";
import { workerSupportFault } from "../source/transaction-preflight.js";
import { parseErrorPolicy } from "../task/error-policy.js";
import { chooseConverters } from "../task/task-converters.js";
import { checkTaskCount } from "../task/task-count.js";
import type { TaskEvents, TaskParts, TaskRunner } from "../task/task-runner.js";
import { chooseTransformations } from "../task/transformation-chain.js";
import type { PluginChoice, Plugins } from "../worker.js";
import { exactlyOnceMode, parseWorkerSettings } from "../worker-config.js";
import { errorOf, failureOf } from "./failure.js";
import { type CreateKafkaClient, TaskClients } from "./task-clients.js";
import type { HostCommand, HostReport } from "./task-host-messages.js";

export interface TaskHostParts {
  readonly workerProps: Readonly<Record<string, string>>;
  readonly plugins: Plugins;
  readonly createKafkaClient: CreateKafkaClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: NamedLogger;
  readonly send: (report: HostReport) => void;
  /** Runs code of a run, and everything that it starts, under its number: see `CodeOwner`. */
  readonly within: (run: number, work: () => void) => void;
  /** For a host in a thread of its own. */
  readonly load?: () => ThreadLoad;
}

interface Run {
  readonly runner: TaskRunner;
  readonly id: TaskId;
  readonly version: string | null;
  /** An uncaught error has ended it: only its end is still reported, once its code has returned. */
  isLost: boolean;
}

type OffsetAnswer = Extract<HostCommand, { type: "offsets" }>;
type StartCommand = Extract<HostCommand, { type: "start" }>;

/** Runs tasks in one thread: takes commands, creates and drives task runners, reports their states. */
export class TaskHost {
  readonly #runs = new Map<number, Run>();
  readonly #offsetRequests = new Map<number, Deferred<OffsetAnswer>>();
  #nextRequest = 1;

  constructor(private readonly parts: TaskHostParts) {}

  receive(command: HostCommand): void {
    switch (command.type) {
      case "start":
        this.parts.within(command.run, () => this.#start(command));
        break;
      case "stop":
        this.parts.within(command.run, () => this.#stop(command.run, command.cancel));
        break;
      case "pause":
        this.parts.within(command.run, () =>
          this.#runs.get(command.run)?.runner.setTargetState(command.paused ? "PAUSED" : "STARTED"),
        );
        break;
      case "forgetTopics":
        this.#runs.get(command.run)?.runner.forgetTopics();
        break;
      case "metrics": {
        const tasks = [...this.#runs.values()].map(({ runner }) => runner.metrics());
        const { send, load } = this.parts;
        send({ type: "metrics", request: command.request, tasks, ...(load && { load: load() }) });
        break;
      }
      case "levels":
        break;
      case "offsets": {
        const request = this.#offsetRequests.get(command.request);
        this.#offsetRequests.delete(command.request);
        if (command.failure) request?.reject(errorOf(command.failure));
        else request?.resolve(command);
        break;
      }
    }
  }

  /** Log fields that name a run's task. */
  taskOf(run: number): LogFields {
    const id = this.#runs.get(run)?.id;
    return id ? { connector: id.connector, task: id.task } : {};
  }

  /**
   * An error that nothing caught, in a run's code. Its task fails, because its state is unknown now. Its run ends once
   * its code has returned, or when the worker cancels it: another one must not begin beside it. (I4)
   *
   * @param run 0: no run's code.
   * @returns whether it was a run's code.
   */
  uncaught(run: number, error: unknown): boolean {
    if (run === 0) return false;
    const { logger, send, within } = this.parts;
    const found = this.#runs.get(run);
    const log = logger.named(LOGGERS.worker, this.taskOf(run));
    if (!found || found.isLost) {
      log.error("Uncaught error in code that a task left behind", {}, error);
      return true;
    }
    log.error("A task has failed with an uncaught error", {}, error);
    send({ type: "failed", run, failure: failureOf(error), version: found.version });
    found.isLost = true;
    within(run, () => found.runner.cancel());
    return true;
  }

  /** Drops every task at once, as a crash would. */
  abandon(): void {
    for (const { runner } of this.#runs.values()) runner.abandon();
    this.#runs.clear();
  }

  #start(command: StartCommand): void {
    const { run, targetState } = command;
    const { send } = this.parts;
    let runner: TaskRunner;
    try {
      runner = this.#makeRunner(command);
    } catch (error) {
      const logger = this.#loggerOf(command);
      logger.error("The task could not be created", {}, error);
      send({ type: "failed", run, failure: failureOf(error), version: this.#versionOf(command) });
      send({ type: "ended", run });
      return;
    }
    this.#runs.set(run, { runner, id: command.id, version: this.#versionOf(command), isLost: false });
    const ended = () => {
      // A cancelled run is forgotten already and must report no more.
      if (this.#runs.delete(run)) send({ type: "ended", run });
    };
    runner.run(targetState).then(ended, (error) => {
      // Runners do not reject. If one does, its task must not look as if it ran.
      this.#eventsOf(run, this.#versionOf(command)).failed(error);
      ended();
    });
  }

  #stop(run: number, cancel: boolean): void {
    const runner = this.#runs.get(run)?.runner;
    if (!cancel) {
      runner?.stop();
      return;
    }
    this.#runs.delete(run);
    runner?.cancel();
  }

  /** @throws ConfigError, NotFoundError */
  #makeRunner(command: StartCommand): TaskRunner {
    const { id, connectorProps, taskProps, taskCount, run } = command;
    const { plugins, workerProps, createKafkaClient, clock, random } = this.parts;
    const plugin = plugins.find("connector", ...connectorChoice(connectorProps));
    const logger = this.#loggerOf(command, plugin.type === "sink" ? LOGGERS.sinkTask : LOGGERS.sourceTask);
    checkTaskCount(id.connector, connectorProps, taskCount);
    requireSupport(plugin.type, workerProps, connectorProps);
    const settings = parseWorkerSettings(workerProps);
    const clients = new TaskClients({ id, workerProps, connectorProps, createKafkaClient, clock, random, logger });
    const near = plugins.catalog.find("connector", ...connectorChoice(connectorProps)).location;
    const common = {
      id,
      props: taskProps,
      policy: parseErrorPolicy(connectorProps),
      converters: chooseConverters(plugins, workerProps, connectorProps, near),
      plugins,
      commitIntervalMs: settings["offset.flush.interval.ms"],
      commitTimeoutMs: settings["offset.flush.timeout.ms"],
      events: this.#eventsOf(run, plugin.version),
      clock,
      random,
      logger,
      pluginLogger: this.#loggerOf(command, plugin.taskClassName),
    };
    const loggerOf = (className: string) => this.#loggerOf(command, className);
    if (plugin.type === "sink") {
      const topics = parseSinkTopics(connectorProps);
      // Last, because from here on the runner must close the chain.
      const parts: TaskParts = { ...common, chain: chooseTransformations(plugins, connectorProps, loggerOf, near) };
      return new SinkTaskRunner({ ...parts, plugin, clients, topics });
    }
    const offsets = {
      read: async (partitions: readonly SourceOffset["partition"][]) =>
        (await this.#ask((request) => ({ type: "readOffsets", run, request, partitions }))).offsets ?? [],
      flush: async (entries: readonly SourceOffset[]) => {
        await this.#ask((request) => ({ type: "flushOffsets", run, request, entries }));
      },
    };
    const topicCreation = parseTopicCreation(workerProps, connectorProps);
    const parts: TaskParts = { ...common, chain: chooseTransformations(plugins, connectorProps, loggerOf, near) };
    const transactions =
      exactlyOnceMode(workerProps) === "enabled"
        ? this.#transactions(run, parseBoundary(connectorProps, parts.commitIntervalMs))
        : undefined;
    return new SourceTaskRunner({ ...parts, plugin, clients, offsets, topicCreation, transactions });
  }

  #transactions(run: number, settings: BoundarySettings): Transactions {
    const step = async (name: "fence" | "confirm") => {
      await this.#ask((request) => ({ type: "mayStart", run, request, step: name }));
    };
    return {
      ...settings,
      committed: async (entries) => {
        await this.#ask((request) => ({ type: "offsetsCommitted", run, request, entries }));
      },
      fence: () => step("fence"),
      confirm: () => step("confirm"),
      offsetRecords: async (entries) => {
        const { records } = await this.#ask((request) => ({ type: "offsetRecords", run, request, entries }));
        if (!records) throw new InvariantError("The worker answered a request for offset records without any");
        // Between threads a Buffer becomes a plain array of bytes.
        const bytes = (array: Uint8Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
        return {
          ...records,
          records: records.records.map(({ key, value }) => ({ key: bytes(key), value: value && bytes(value) })),
        };
      },
    };
  }

  #eventsOf(run: number, version: string | null): TaskEvents {
    const { send } = this.parts;
    const isHeard = () => this.#runs.get(run)?.isLost === false;
    return {
      status: (state, waitingFor) => {
        if (isHeard()) send({ type: "status", run, state, waitingFor, version });
      },
      failed: (error) => {
        if (isHeard()) send({ type: "failed", run, failure: failureOf(error), version });
      },
      topicUsed: (topic) => {
        if (isHeard()) send({ type: "topicUsed", run, topic });
      },
    };
  }

  /** Sends a request to the worker's offset store, which lives in the worker's thread (I6). */
  #ask(report: (request: number) => HostReport): Promise<OffsetAnswer> {
    const request = this.#nextRequest++;
    const answer = deferred<OffsetAnswer>();
    this.#offsetRequests.set(request, answer);
    this.parts.send(report(request));
    return answer.promise;
  }

  #loggerOf({ id }: StartCommand, name: string = LOGGERS.worker): NamedLogger {
    return this.parts.logger.named(name, { connector: id.connector, task: id.task });
  }

  #versionOf({ connectorProps }: StartCommand): string | null {
    try {
      return this.parts.plugins.find("connector", ...connectorChoice(connectorProps)).version;
    } catch (error) {
      this.parts.logger.debug("The version of a missing plugin is unknown", { why: String(error) });
      return null;
    }
  }
}

/** The class and version of the connector, to look it up. */
function connectorChoice(props: Props): [className: string, choice: PluginChoice] {
  return [props["connector.class"] ?? "", { version: props["connector.plugin.version"] }];
}

/** @throws ConfigError for a source that demands exactly-once delivery of a worker that cannot deliver so. */
function requireSupport(type: "source" | "sink", worker: Props, connector: Props): void {
  const fault = type === "source" ? workerSupportFault(worker, connector) : undefined;
  if (fault !== undefined) throw new ConfigError("exactly.once.support", fault);
}
