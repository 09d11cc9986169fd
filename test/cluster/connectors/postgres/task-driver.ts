import { PostgresSourceTask } from "../../../../connectors/postgres/postgres-source-task.js";
import type { PassFault } from "../../../../connectors/postgres/server/fault-point.js";
import type {
  Logger,
  Props,
  SourceLag,
  SourceMap,
  SourceOffset,
  SourceRecord,
  SourceTask,
  SourceTaskContext,
} from "../../../../src/api/index.js";
import { SystemClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SystemRandom } from "../../../../src/base/random.js";

/** Drives one task as the worker does, and holds its stored offset. */
export class TaskDriver {
  readonly #task: SourceTask;
  readonly #stopping = new AbortController();
  readonly #waits: (string | null)[] = [];
  readonly #waitListeners = new Set<() => void>();
  /** Arrived in the poll that saw the stream begin. */
  readonly #early: SourceRecord[] = [];
  readonly #logger: Logger = { ...silentLogger, warn: (message) => this.warnings.push(message) };
  /** The task's warnings, oldest first. */
  readonly warnings: string[] = [];
  commitRequests = 0;

  private constructor(
    task: SourceTask,
    private readonly openTopic: SourceTaskContext["openTopic"],
  ) {
    this.#task = task;
  }

  /** @param stored the offset in the store. @param later the one that it has once the task has started. */
  static async start(
    props: Props,
    stored: SourceMap | null = null,
    later = stored,
    openTopic: SourceTaskContext["openTopic"] = noKafka,
    pass?: PassFault,
  ): Promise<TaskDriver> {
    const driver = new TaskDriver(new PostgresSourceTask(pass), openTopic);
    let offset = stored;
    await driver.#task.start(
      driver.#context(() => offset),
      props,
    );
    offset = later;
    return driver;
  }

  #context(stored: () => SourceMap | null): SourceTaskContext {
    return {
      connectorName: "shop",
      taskId: 0,
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: this.#logger,
      stopping: this.#stopping.signal,
      waitingFor: (reason) => {
        this.#waits.push(reason);
        for (const listener of this.#waitListeners) listener();
      },
      converter: () => {
        throw new Error("The task must not use a converter");
      },
      readOffsets: async (partitions) => partitions.map((partition) => ({ partition, offset: stored() })),
      openTopic: this.openTopic,
      requestCommit: () => {
        this.commitRequests++;
      },
    };
  }

  /** The task's reported reasons to wait, oldest first; null: it continued. */
  get waits(): readonly (string | null)[] {
    return this.#waits;
  }

  /** Resolves once the task has opened its connections: it then reports that it waits for nothing. */
  async streaming(): Promise<void> {
    let isStreaming = false;
    const listener = () => {
      isStreaming ||= this.#waits.at(-1) === null;
    };
    this.#waitListeners.add(listener);
    // Polls on, because an error that ends the task arrives with a poll.
    while (!isStreaming) {
      const polled = await this.poll();
      if (polled.length > 0 && !isStreaming)
        throw new Error("Records arrived before the stream was expected to have any");
      this.#early.push(...polled);
    }
    this.#waitListeners.delete(listener);
  }

  async poll(): Promise<readonly SourceRecord[]> {
    if (this.#early.length > 0) return this.#early.splice(0);
    return (await this.#task.poll()) ?? [];
  }

  gauges(): Readonly<Record<string, number>> {
    return this.#task.gauges?.() ?? {};
  }

  lag(): SourceLag {
    return this.#task.lag?.() ?? {};
  }

  /** Polls until `isEnough` accepts all records so far. */
  async readUntil(isEnough: (records: readonly SourceRecord[]) => boolean): Promise<SourceRecord[]> {
    const records: SourceRecord[] = [];
    while (!isEnough(records) && !this.#stopping.signal.aborted) records.push(...(await this.poll()));
    return records;
  }

  /** Resolves with the task's next reason to wait. The test must poll meanwhile. */
  untilWaiting(): Promise<string> {
    return new Promise((resolve) => {
      const listener = () => {
        const reason = this.#waits.at(-1);
        if (typeof reason !== "string") return;
        this.#waitListeners.delete(listener);
        resolve(reason);
      };
      this.#waitListeners.add(listener);
    });
  }

  /** Polls, expecting no records, until `isReached`. */
  async until(isReached: () => Promise<boolean>): Promise<void> {
    while (!(await isReached())) {
      if ((await this.poll()).length > 0) throw new Error("Records arrived where none were expected");
    }
  }

  read(count: number): Promise<SourceRecord[]> {
    return this.readUntil((records) => records.length >= count);
  }

  /** Stores an offset. */
  async commit(offset: SourceMap): Promise<void> {
    const flushed: SourceOffset = { partition: { server: "shop" }, offset };
    await this.#task.commit?.([flushed]);
  }

  /** Stops the task cleanly. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#task.stop();
  }
}

function noKafka(): never {
  throw new Error("There is no Kafka here");
}
