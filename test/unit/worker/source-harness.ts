import {
  type ConnectValue,
  type Converter,
  type HeaderConverter,
  type SourceMap,
  type SourceOffset,
  type SourcePlugin,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import { sourceMapKey } from "../../../src/base/exact-json.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { traceOf } from "../../../src/base/trace/error-trace.js";
import type { ProducerListener } from "../../../src/kafka/client/producer.js";
import type { PluginFacts } from "../../../src/worker/plugins/named-plugins.js";
import { type Plugin, PluginRegistry } from "../../../src/worker/plugins/plugin-registry.js";
import { type SourceTaskParts, SourceTaskRunner } from "../../../src/worker/source/source-task-runner.js";
import type { SubmittedRange } from "../../../src/worker/source/submitted-records.js";
import type { ErrorPolicy } from "../../../src/worker/task/error-policy.js";
import type { TaskConverters } from "../../../src/worker/task/task-converters.js";
import type { NewConnectivity } from "../../../src/worker/task/task-runner.js";
import type { Plugins, TaskState } from "../../../src/worker/worker.js";
import { FakeAdmin, FakeProducer } from "./fake-kafka.js";

export const ID = { connector: "shop", task: 0 };

export const strict: ErrorPolicy = {
  tolerance: "none",
  retryTimeoutMs: 0,
  retryDelayMaxMs: 60_000,
  log: false,
  logMessages: false,
};

/** These plugins, as if they were all of one package. */
export function registryOf(...plugins: readonly Plugin[]): PluginRegistry {
  return new PluginRegistry(new Map([["test/index.js", plugins]]));
}

export const noPlugins: Plugins = registryOf();

export const noPluginFacts: PluginFacts = registryOf().facts();

/** Text to bytes; `explode` may throw for a value. */
export function textConverters(explode: (value: ConnectValue) => void = () => {}): TaskConverters {
  const converter = (): Converter => ({
    config: {},
    configure() {},
    fromConnectData(_topic, _headers, _schema, value) {
      explode(value);
      return value === null ? null : Buffer.from(String(value));
    },
    toConnectData(_topic, _headers, bytes) {
      const value = bytes === null ? null : bytes.toString();
      explode(value);
      return { schema: null, value };
    },
  });
  const header: HeaderConverter = {
    config: {},
    configure() {},
    fromConnectHeader: (_topic, { value }) => (value === null ? null : Buffer.from(String(value))),
    toConnectHeader: (_topic, key, bytes) => ({ key, schema: null, value: bytes?.toString() ?? null }),
  };
  const classes = { key: "test.Key", value: "test.Value", header: "test.Header" };
  return { key: converter(), value: converter(), header, classes };
}

/** Statuses in order, and expectations that resolve when one arrives. */
export class StatusLog {
  readonly states: string[] = [];
  readonly traces: (string | null)[] = [];
  readonly #expected: {
    readonly wanted: (state: TaskState, trace: string | null) => boolean;
    readonly came: Deferred<string | null>;
  }[] = [];

  readonly failed = (error: unknown): void => this.#note("FAILED", traceOf(error));

  readonly status = (state: Exclude<TaskState, "FAILED">, waitingFor: string | null): void =>
    this.#note(state, waitingFor);

  /** The trace of the next status of that state (and trace). */
  next(state: TaskState, about?: string): Promise<string | null> {
    const came = deferred<string | null>();
    this.#expected.push({
      wanted: (told, trace) => told === state && (about === undefined || (trace ?? "").includes(about)),
      came,
    });
    return came.promise;
  }

  #note(state: TaskState, trace: string | null): void {
    this.states.push(state);
    this.traces.push(trace);
    for (const { wanted, came } of this.#expected) if (wanted(state, trace)) came.resolve(trace);
  }
}

/** Stored offsets, like the store's. Flushes can be held back or fail. */
export class FakeOffsets {
  readonly stored = new Map<string, SourceMap | null>();
  readonly flushes: (readonly SourceOffset[])[] = [];
  failNext: Error | undefined;
  /** Reads that fail, one after the other, before one is answered. */
  readonly failReads: Error[] = [];
  gate: Promise<void> | undefined;
  readonly #expected: { count: number; came: Deferred<void> }[] = [];

  async read(partitions: readonly SourceMap[]): Promise<readonly SourceOffset[]> {
    const failure = this.failReads.shift();
    if (failure) throw failure;
    return partitions.map((partition) => ({ partition, offset: this.stored.get(sourceMapKey(partition)) ?? null }));
  }

  async flush(entries: readonly SourceOffset[]): Promise<void> {
    this.flushes.push(entries);
    const { gate, failNext } = this;
    this.failNext = undefined;
    if (gate) await gate;
    if (!failNext) for (const { partition, offset } of entries) this.stored.set(sourceMapKey(partition), offset);
    for (const { count, came } of this.#expected) if (this.flushes.length >= count) came.resolve();
    if (failNext) throw failNext;
  }

  /** Resolves once `count` flushes have been made. */
  flushed(count: number): Promise<void> {
    const came = deferred();
    if (this.flushes.length >= count) came.resolve();
    this.#expected.push({ count, came });
    return came.promise;
  }
}

/** A source task that returns the test's records. */
export class FedSource implements SourceTask {
  readonly #batches: (readonly SourceRecord[] | Error)[] = [];
  #arrived = deferred();
  context!: SourceTaskContext;
  polls = 0;
  stopped = 0;
  readonly committed: (readonly SourceOffset[])[] = [];
  commitError: Error | undefined;
  startError: Error | undefined;
  /** Ignores the stop request. */
  stubborn = false;

  feed(...batches: (readonly SourceRecord[] | Error)[]): void {
    this.#batches.push(...batches);
    this.#arrived.resolve();
  }

  async start(context: SourceTaskContext): Promise<void> {
    this.context = context;
    context.stopping.addEventListener("abort", () => {
      if (!this.stubborn) this.#arrived.resolve();
    });
    if (this.startError) throw this.startError;
  }

  async poll(): Promise<readonly SourceRecord[] | null> {
    this.polls++;
    while (this.#batches.length === 0 && (this.stubborn || !this.context.stopping.aborted)) {
      this.#arrived = deferred();
      await this.#arrived.promise;
    }
    const next = this.#batches.shift();
    if (next instanceof Error) throw next;
    return next ?? null;
  }

  async commit(flushed: readonly SourceOffset[]): Promise<void> {
    this.committed.push(flushed);
    if (this.commitError) throw this.commitError;
  }

  async stop(): Promise<void> {
    this.stopped++;
  }
}

export const FILE = { file: "a" };

export function record(
  position: number,
  value: string | null = `v${position}`,
  partition: SourceMap = FILE,
): SourceRecord {
  return new SourceRecord(partition, { position }, "lines", null, null, null, null, value, 5000);
}

export function records(from: number, to: number, partition: SourceMap = FILE): SourceRecord[] {
  return Array.from({ length: to - from + 1 }, (_, at) => record(from + at, `v${from + at}`, partition));
}

export function sourcePlugin(task: SourceTask): SourcePlugin {
  return {
    type: "source",
    className: "test.Source",
    taskClassName: "test.SourceTask",
    version: "1",
    connector: () => {
      throw new Error("not used");
    },
    task: async () => task,
  };
}

/** A source runner on fakes. Tests override parts. */
export function sourceRig(
  overrides: Partial<SourceTaskParts> = {},
  offsets = new FakeOffsets(),
  task: SourceTask = new FedSource(),
) {
  const clock = new SimClock();
  const status = new StatusLog();
  const admin = new FakeAdmin();
  const topics: string[] = [];
  const made = deferred<FakeProducer<SubmittedRange>>();
  let connectivity: (waitingFor: string | undefined) => void = () => {};
  let clientsClosed = 0;
  const runner = new SourceTaskRunner({
    id: ID,
    props: {},
    policy: strict,
    converters: textConverters(),
    chain: undefined,
    plugins: noPlugins,
    commitIntervalMs: 60_000,
    commitTimeoutMs: 5000,
    events: { status: status.status, failed: status.failed, topicUsed: (topic) => topics.push(topic) },
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    pluginLogger: silentLogger,
    plugin: sourcePlugin(task),
    offsets,
    topicCreation: undefined,
    transactions: undefined,
    clients: {
      producer: <T>(listener: ProducerListener<T>, newConnectivity: NewConnectivity) => {
        const producer = new FakeProducer<T>(listener);
        connectivity = newConnectivity();
        made.resolve(producer as unknown as FakeProducer<SubmittedRange>);
        return producer;
      },
      openTopic: () => {
        throw new Error("no topic is read");
      },
      transactionalProducer: () => {
        throw new Error("no transactions");
      },
      admin: () => admin.asAdmin(),
      metrics: () => [],
      close: async () => {
        clientsClosed++;
      },
    },
    ...overrides,
  });
  return {
    clock,
    status,
    admin,
    topics,
    offsets,
    runner,
    task: task as FedSource,
    producer: made.promise,
    connectivity: (waitingFor: string | undefined) => connectivity(waitingFor),
    clientsClosed: () => clientsClosed,
  };
}
