import {
  type Clock,
  type Logger,
  type Props,
  RetriableError,
  type SourceMap,
  type SourceOffset,
  type Timer,
} from "../api/index.js";
import type { OpenLog } from "./compacted-log.js";
import type { StoreRecord } from "./log-transport.js";
import type { Era } from "./offset-fold.js";
import { OffsetTopic } from "./offset-topic.js";
import { inEra, OverlaidOffsets, type TaskEras } from "./overlaid-offsets.js";

/** A connector's own offsets topic (`offsets.storage.topic`), not opened yet. */
export interface OwnOffsetsTopic {
  /** The topic with the settings of its clients: other ones are another topic. */
  readonly identity: string;
  /**
   * Makes sure that the topic exists, and opens clients of its cluster. Undefined: it is the worker's after all, by
   * another address of the cluster.
   *
   * @throws ConfigError, RetriableError
   */
  open(signal: AbortSignal): Promise<OpenedOffsetsTopic | undefined>;
}

export interface OpenedOffsetsTopic {
  readonly openLog: OpenLog;
  /** Closes the clients, once the log is closed. */
  close(): Promise<void>;
}

export interface OwnOffsetsParts {
  /** The topic that a connector of this configuration has; undefined: the worker's alone. @throws ConfigError */
  find(connector: string, props: Props): OwnOffsetsTopic | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The offsets of one connector, in the topics that hold them. */
type StoredOffsets = Pick<
  OverlaidOffsets,
  "eras" | "read" | "list" | "flush" | "alter" | "reset" | "records" | "committed"
> & {
  readonly isOverlaid: boolean;
};

interface Opened {
  readonly topic: OwnTopic;
  readonly offsets: Promise<StoredOffsets>;
  idle: Timer;
}

/** A connector's own topic is closed after this time without a request. */
const IDLE_MS = 300_000;

/**
 * The source offsets of all connectors: in the worker's offsets topic, and for some in one of their own besides. A
 * connector's configuration decides, so every call takes it, with references resolved.
 */
export class OffsetStore {
  readonly #worker: OffsetTopic;
  readonly #own = new Map<string, Opened>();
  #isClosed = false;

  /** @param own undefined: no connector has a topic of its own. */
  constructor(
    openLog: OpenLog,
    private readonly own?: OwnOffsetsParts,
  ) {
    this.#worker = new OffsetTopic(openLog, unhealed(own?.logger));
  }

  start(): Promise<void> {
    return this.#worker.start();
  }

  /** The stored offsets of these partitions, in the same order, with everything written before the call. */
  async read(connector: string, partitions: readonly SourceMap[], props: Props = {}): Promise<SourceOffset[]> {
    return (await this.#offsetsOf(connector, props)).read(partitions);
  }

  /** Every stored partition of a connector, with everything written before the call. */
  async list(connector: string, props: Props = {}): Promise<SourceOffset[]> {
    return (await this.#offsetsOf(connector, props)).list();
  }

  /** The eras in which the connector's tasks store offsets now, as far as the topics have been read. */
  async eras(connector: string, props: Props = {}): Promise<TaskEras> {
    return (await this.#offsetsOf(connector, props)).eras();
  }

  /** As `eras`, of the worker's topic alone, without waiting. */
  workerEra(connector: string): Era {
    return this.#worker.taskEra(connector);
  }

  /** As `OffsetTopic.flush`. @param eras in which the task stores them; undefined: the newest */
  async flush(
    connector: string,
    entries: readonly SourceOffset[],
    permit?: () => void,
    props: Props = {},
    eras?: TaskEras,
  ): Promise<void> {
    await (await this.#offsetsOf(connector, props)).flush(entries, permit, eras);
  }

  /** As `OffsetTopic.alter`. */
  async alter(
    connector: string,
    entries: readonly SourceOffset[],
    nowMs: number,
    permit?: () => void,
    props: Props = {},
  ): Promise<void> {
    await (await this.#offsetsOf(connector, props)).alter(entries, nowMs, permit);
  }

  /** As `OffsetTopic.reset`. */
  async reset(connector: string, nowMs: number, permit?: () => void, props: Props = {}): Promise<void> {
    await (await this.#offsetsOf(connector, props)).reset(nowMs, permit);
  }

  /**
   * As `OffsetTopic.records`; `isOverlaid` if `committed` must be called once the transaction is.
   *
   * @param permit as in `flush`, for resets, which go to the worker's topic before; so are `eras`.
   */
  async records(
    connector: string,
    entries: readonly SourceOffset[],
    permit?: () => void,
    props: Props = {},
    eras?: TaskEras,
  ): Promise<{ topic: string; records: readonly StoreRecord[]; isOverlaid: boolean }> {
    const offsets = await this.#offsetsOf(connector, props);
    return { ...(await offsets.records(entries, permit, eras)), isOverlaid: offsets.isOverlaid };
  }

  /** Called once the transaction with these offsets is committed: a failure here ends no task. `permit`, `eras` as in `flush`. */
  async committed(
    connector: string,
    entries: readonly SourceOffset[],
    permit?: () => void,
    props: Props = {},
    eras?: TaskEras,
  ): Promise<void> {
    try {
      (await this.#offsetsOf(connector, props)).committed(entries, permit, eras);
    } catch (error) {
      const message = "Offsets are in the connector's own topic, but not in the worker's as well";
      this.own?.logger.warn(message, { connector }, error);
    }
  }

  /** Ends the attempts in flight. Their permits are checked again before the next attempt. */
  dropWrites(): void {
    this.#worker.dropWrites();
    for (const { topic } of this.#own.values()) topic.dropWrites();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = [...this.#own.values()];
    for (const { idle } of opened) idle.cancel();
    this.#own.clear();
    await Promise.all([this.#worker.close(), ...opened.map(({ topic }) => topic.close())]);
  }

  async #offsetsOf(connector: string, props: Props): Promise<StoredOffsets> {
    const own = this.own?.find(connector, props);
    if (!this.own || !own) return onlyWorker(connector, this.#worker);
    // A late request would open clients that stay open.
    if (this.#isClosed) throw new RetriableError("STORE_UNREADABLE", "The worker is closing");
    const { clock, logger } = this.own;
    const key = JSON.stringify([connector, own.identity]);
    const closed = () => {
      const found = this.#own.get(key);
      this.#own.delete(key);
      found?.topic
        .close()
        .catch((cause) => logger.warn("A connector's offsets topic was not closed", { connector }, cause));
    };
    let opened = this.#own.get(key);
    if (opened) opened.idle.cancel();
    else {
      const topic = new OwnTopic(own, logger);
      const offsets = topic.opened.then((log) =>
        log ? new OverlaidOffsets(connector, log, this.#worker, logger) : onlyWorker(connector, this.#worker),
      );
      opened = { topic, offsets, idle: { cancel() {} } };
      this.#own.set(key, opened);
    }
    try {
      const offsets = await opened.offsets;
      // Not before: the first read of a large topic may take longer.
      opened.idle.cancel();
      if (this.#own.get(key) === opened) opened.idle = clock.schedule(IDLE_MS, closed);
      return offsets;
    } catch (error) {
      // The next call tries again.
      if (this.#own.get(key) === opened) this.#own.delete(key);
      throw error;
    }
  }
}

/** A connector's own topic, from its opening on. */
class OwnTopic {
  /** Undefined: it is the worker's. */
  readonly opened: Promise<OffsetTopic | undefined>;
  readonly #closing = new AbortController();
  #topic: OffsetTopic | undefined;
  #closeClients: (() => Promise<void>) | undefined;

  constructor(
    own: OwnOffsetsTopic,
    private readonly logger: Logger,
  ) {
    this.opened = this.#open(own);
  }

  dropWrites(): void {
    this.#topic?.dropWrites();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#topic?.close();
    await this.#closeClients?.();
  }

  async #open(own: OwnOffsetsTopic): Promise<OffsetTopic | undefined> {
    const parts = await own.open(this.#closing.signal);
    if (!parts) return undefined;
    const { openLog, close } = parts;
    this.#closeClients = close;
    const topic = new OffsetTopic(openLog, unhealed(this.logger));
    this.#topic = topic;
    try {
      if (this.#closing.signal.aborted) throw new RetriableError("STORE_UNREADABLE", "The worker is closing");
      await topic.start();
      return topic;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}

function onlyWorker(connector: string, topic: OffsetTopic): StoredOffsets {
  return {
    isOverlaid: false,
    read: (partitions) => topic.read(connector, partitions),
    list: () => topic.list(connector),
    eras: () => ({ worker: topic.taskEra(connector) }),
    flush: (entries, permit, eras) => topic.flush(connector, inEra(entries, eras?.worker), permit),
    alter: (entries, nowMs, permit) => topic.alter(connector, entries, nowMs, permit),
    reset: (nowMs, permit) => topic.reset(connector, nowMs, permit),
    records: async (entries) => topic.records(connector, entries),
    committed() {},
  };
}

function unhealed(logger: Logger | undefined): (error: unknown) => void {
  return (error) =>
    logger?.warn("An altered offset that an earlier one has overtaken was not written again", {}, error);
}
