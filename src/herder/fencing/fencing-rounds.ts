import { ConfigError, ConflictError, NotFoundError, RetriableError } from "../../api/index.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { ConfigSnapshot, ConnectorEntry } from "../../stores/config-fold.js";
import { isRetriable } from "../../worker/task/error-policy.js";
import type { LeaderWriter } from "../membership/leader-writer.js";
import { planFencing } from "./fencing-plan.js";

export interface FencingRoundsOptions {
  /** Reads the config topic to its end. */
  refresh(): Promise<unknown>;
  /** @throws MisdirectedError when another worker leads */
  asLeader<T>(stage: string, what: string, step: (writer: LeaderWriter) => Promise<T>): Promise<T>;
  /** Whether the connector's class is a source's. */
  isSource(entry: ConnectorEntry): boolean;
  /** Fences the producers of these tasks, in the cluster of the connector. */
  fenceProducers(connector: string, entry: ConnectorEntry, tasks: readonly number[]): Promise<void>;
}

interface Round {
  readonly tasksOffset: number;
  readonly done: Promise<void>;
}

/**
 * The leader's fencing of source tasks (KIP-618): before the tasks of a new commit write, the producers of those of
 * earlier commits are fenced, once for all tasks that ask. It runs beside the herder's loop, since it waits for Kafka.
 */
export class FencingRounds {
  readonly #rounds = new Map<string, Round>();

  constructor(private readonly options: FencingRoundsOptions) {}

  /**
   * Resolves once the tasks of the connector's newest commit may write.
   *
   * @throws MisdirectedError when another worker leads; NotFoundError; ConfigError for a sink; ConflictError when the
   *   tasks are committed anew meanwhile; RetriableError FENCING_FAILED while Kafka is away, ConfigError FENCING_FAILED
   *   when it refuses.
   */
  async fence(connector: string): Promise<void> {
    const { asLeader, refresh } = this.options;
    await refresh();
    const what = `Fencing the tasks of connector ${connector}`;
    const plan = await asLeader(`planning the fencing of tasks of connector ${connector}`, what, async (writer) => {
      const entry = this.#entryOf(writer.configs, connector);
      return { entry, ...planFencing(writer.configs.fencing.get(connector), entry.taskCount) };
    });
    if (plan.kind === "none") return;
    const { tasksOffset } = plan.entry;
    const running = this.#rounds.get(connector);
    if (running?.tasksOffset === tasksOffset) return running.done;
    const done = this.#run(connector, plan.entry, plan.kind === "fence" ? plan.tasks : []);
    const round = { tasksOffset, done };
    this.#rounds.set(connector, round);
    const over = () => {
      if (this.#rounds.get(connector) === round) this.#rounds.delete(connector);
    };
    done.then(over, over);
    return done;
  }

  async #run(connector: string, entry: ConnectorEntry, tasks: readonly number[]): Promise<void> {
    const { asLeader, fenceProducers, refresh } = this.options;
    if (tasks.length > 0) {
      try {
        await fenceProducers(connector, entry, tasks);
      } catch (cause) {
        const message = `Could not fence the producers of the earlier tasks of connector ${connector}: ${errorMessage(cause)}`;
        if (isRetriable(cause)) throw new RetriableError("FENCING_FAILED", message, { cause });
        throw new ConfigError("exactly.once.support", message, { code: "FENCING_FAILED", cause });
      }
    }
    await refresh();
    const stage = `writing the task count record of connector ${connector} to the config topic`;
    await asLeader(stage, `Fencing the tasks of connector ${connector}`, async (writer) => {
      const now = this.#entryOf(writer.configs, connector);
      if (now.tasksOffset !== entry.tasksOffset) {
        throw new ConflictError(
          "CONFIG_CHANGED",
          `The tasks of connector ${connector} were configured anew while those before them were being fenced`,
        );
      }
      if (writer.configs.fencing.get(connector)?.isPending === false) return; // another leader was faster
      await writer.putTaskCount(connector, now.taskCount);
    });
  }

  #entryOf(configs: ConfigSnapshot, connector: string): ConnectorEntry {
    const entry = configs.connectors.get(connector);
    if (!entry) throw new NotFoundError("CONNECTOR_NOT_FOUND", `Connector ${connector} not found`);
    if (!this.options.isSource(entry)) {
      throw new ConfigError("name", `Connector ${connector} is not a source connector: its tasks cannot be fenced`);
    }
    return entry;
  }
}
