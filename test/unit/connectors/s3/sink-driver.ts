import {
  type Clock,
  type Converter,
  errorKind,
  type Logger,
  type Props,
  type Random,
  SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type Timer,
  type TopicPartition,
  type TopicPartitionOffset,
} from "../../../../src/api/index.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { converters } from "../../../../src/converters/built-in-converters.js";

/** A clock whose waits end at once and advance its time. Timers never fire, so nothing times out. */
export class PassingClock implements Clock {
  constructor(public ms: number) {}

  nowMs(): number {
    return this.ms;
  }

  monotonicMs(): number {
    return this.ms;
  }

  schedule(_delayMs: number, _fire: () => void): Timer {
    return { cancel: () => undefined };
  }

  async delay(delayMs: number): Promise<void> {
    this.ms += delayMs;
  }

  async turn(): Promise<void> {}
}

export const SINK_PROPS: Props = {
  name: "objects",
  "connector.class": "io.confluent.connect.s3.S3SinkConnector",
  "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
  "storage.class": "io.confluent.connect.s3.storage.S3Storage",
  "s3.bucket.name": "lake",
  "flush.size": "3",
};

export interface DriverOptions {
  readonly props?: Props;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly tolerant?: boolean;
}

/** A minimal Connect worker around one sink task: logs, positions, committed offsets, seeks and crashes. */
export class SinkDriver {
  readonly logs = new Map<string, SinkRecord[]>();
  readonly committed = new Map<string, number>();
  readonly waits: (string | null)[] = [];
  readonly reported: { offset: number; message: string }[] = [];
  readonly retryDelaysMs: number[] = [];
  readonly clock: Clock;
  #positions = new Map<string, number>();
  /** Like the positions, but before a batch that must be delivered again: commits may go only up to there. */
  #put = new Map<string, number>();
  #pending: SinkRecord[] | null = null;
  #stopping = new AbortController();
  #task: SinkTask | undefined;

  constructor(
    private readonly createTask: () => SinkTask,
    readonly partitions: readonly TopicPartition[],
    private readonly options: DriverOptions = {},
  ) {
    this.clock = options.clock ?? new PassingClock(1_700_000_000_000);
    for (const place of partitions) this.logs.set(nameOf(place), []);
  }

  /**
   * Another worker takes over the partitions at the committed offsets, and this one does not notice: its task continues
   * as a zombie, whose commits would be refused.
   */
  successor(): SinkDriver {
    const successor = new SinkDriver(this.createTask, this.partitions, this.options);
    for (const [name, log] of this.logs) successor.logs.set(name, log);
    for (const [name, offset] of this.committed) successor.committed.set(name, offset);
    return successor;
  }

  get task(): SinkTask {
    return this.#task!;
  }

  /** Aborts the task's waits, like a worker about to stop it. */
  signalStop(): void {
    this.#stopping.abort();
  }

  async start(): Promise<void> {
    this.#stopping = new AbortController();
    this.#task = this.createTask();
    this.#pending = null;
    this.#positions = new Map(this.partitions.map((place) => [nameOf(place), this.committed.get(nameOf(place)) ?? 0]));
    this.#put = new Map(this.#positions);
    await this.#task.start(this.#context(), this.options.props ?? SINK_PROPS);
    await this.#task.open(this.partitions);
  }

  append(record: SinkRecord): void {
    this.logs.get(nameOf(record))!.push(record);
  }

  /** Delivers up to `count` records of each partition, or the batch that must be delivered again. */
  async deliver(count: number): Promise<"done" | "retry"> {
    const batch = this.#pending ?? this.#next(count);
    try {
      await this.task.put(batch);
    } catch (error) {
      if (errorKind(error) !== "retriable") throw error;
      this.#pending = batch;
      return "retry";
    }
    this.#pending = null;
    this.#put = new Map(this.#positions);
    return "done";
  }

  async deliverAll(): Promise<void> {
    for (let i = 0; i < 10_000; i++) {
      if ((await this.deliver(1000)) === "done" && this.#next(1, false).length === 0) return;
    }
    throw new Error("The task never takes all records");
  }

  async commit(): Promise<void> {
    const current = this.partitions.map((place) => ({ ...place, offset: this.#put.get(nameOf(place))! }));
    for (const { topic, partition, offset } of await this.task.preCommit(current)) {
      const name = nameOf({ topic, partition });
      const limit = this.#put.get(name)!;
      if (offset > limit) throw new Error(`The worker would refuse ${offset} of ${name}: only ${limit} is put so far`);
      this.committed.set(name, offset);
    }
  }

  async stop(): Promise<void> {
    this.signalStop();
    await this.task.close(this.partitions);
    await this.task.stop();
  }

  #next(count: number, advance = true): SinkRecord[] {
    const batch: SinkRecord[] = [];
    for (const [name, log] of this.logs) {
      const position = this.#positions.get(name)!;
      const from = log.findIndex((record) => record.originalOffset >= position);
      if (from < 0) continue;
      const records = log.slice(from, from + count);
      batch.push(...records);
      if (advance && records.length > 0) this.#positions.set(name, records.at(-1)!.originalOffset + 1);
    }
    return batch;
  }

  #context(): SinkTaskContext {
    const { options } = this;
    return {
      connectorName: "objects",
      taskId: 0,
      clock: this.clock,
      random: options.random ?? new SeededRandom(1),
      logger: options.logger ?? silentLogger,
      stopping: this.#stopping.signal,
      waitingFor: (reason) => this.waits.push(reason),
      converter: jsonConverter,
      assignment: () => this.partitions,
      seek: (offsets: readonly TopicPartitionOffset[]) => {
        for (const { offset, ...place } of offsets) this.#positions.set(nameOf(place), offset);
      },
      pause: () => undefined,
      resume: () => undefined,
      requestCommit: () => undefined,
      commitTimeoutMs: 5000,
      retryAfter: (delayMs) => {
        this.retryDelaysMs.push(delayMs);
      },
      reportErrant: options.tolerant
        ? async (record, error) => {
            this.reported.push({ offset: record.originalOffset, message: error.message });
          }
        : undefined,
    };
  }
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

export function jsonConverter(className: string, props: Readonly<Record<string, string>>, isKey: boolean): Converter {
  const converter = converters.get(className)!();
  converter.configure(props, isKey);
  return converter;
}

/** A record without a schema whose row contains its own partition and offset. */
export function rowRecord(
  offset: number,
  options: { partition?: number; timestampMs?: number; fill?: string } = {},
): SinkRecord {
  const { partition = 0, timestampMs = 1_700_000_000_000, fill = "" } = options;
  const value = new Map<string, string | number>([["at", `${partition}:${offset}`]]);
  if (fill !== "") value.set("fill", fill);
  return new SinkRecord("orders", partition, null, null, null, value, offset, timestampMs, "CreateTime");
}
