import type {
  SinkPlugin,
  SinkRecord,
  SinkTask,
  SinkTaskContext,
  TopicPartition,
  TopicPartitionOffset,
} from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConsumerRecord } from "../../../src/kafka/client/consumer.js";
import type { RebalanceListener } from "../../../src/kafka/client/group-consumer.js";
import type { ProducerListener } from "../../../src/kafka/client/producer.js";
import { DeadLetterQueue, type DeadLetterSettings } from "../../../src/worker/sink/dead-letter-queue.js";
import { type SinkTaskParts, SinkTaskRunner } from "../../../src/worker/sink/sink-task-runner.js";
import { FakeGroupConsumer, FakeProducer } from "./fake-kafka.js";
import { ID, noPlugins, StatusLog, strict, textConverters } from "./source-harness.js";

export const P0 = { topic: "orders", partition: 0 };
export const P1 = { topic: "orders", partition: 1 };

/** A sink task that records its input. The test can set each answer. */
export class RecordingSink implements SinkTask {
  context!: SinkTaskContext;
  readonly calls: string[] = [];
  readonly records: SinkRecord[] = [];
  readonly preCommits: (readonly TopicPartitionOffset[])[] = [];
  /** Thrown by `put`, one after the other; undefined accepts the batch. */
  readonly putErrors: (Error | undefined)[] = [];
  onPut: ((records: readonly SinkRecord[]) => void | Promise<void>) | undefined;
  onOpen: (() => void) | undefined;
  preCommitAnswer: (current: readonly TopicPartitionOffset[]) => readonly TopicPartitionOffset[] = (current) => current;
  puts = 0;
  readonly #expected: { readonly count: number; readonly came: Deferred<void> }[] = [];

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context;
    this.calls.push("start");
  }

  async open(partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`open ${partitions.map(({ partition }) => partition).join()}`);
    this.onOpen?.();
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    this.puts++;
    if (records.length > 0) this.calls.push(`put ${records.map(({ value }) => value).join()}`);
    await this.onPut?.(records);
    const error = this.putErrors.shift();
    if (error) throw error;
    this.records.push(...records);
    for (const { count, came } of this.#expected) if (this.records.length >= count) came.resolve();
  }

  /** Resolves once `count` records have been taken. */
  took(count: number): Promise<void> {
    const came = deferred();
    if (this.records.length >= count) came.resolve();
    this.#expected.push({ count, came });
    return came.promise;
  }

  async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    this.calls.push(`preCommit ${current.map(({ partition, offset }) => `${partition}@${offset}`).join()}`);
    this.preCommits.push(current);
    return this.preCommitAnswer(current);
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`close ${partitions.map(({ partition }) => partition).join()}`);
  }

  async stop(): Promise<void> {
    this.calls.push("stop");
  }
}

/** The state that outlives a task: the topic and the group's offsets. */
export interface SinkWorld {
  readonly logs: Map<string, ConsumerRecord[]>;
  readonly commits: Map<string, number>;
}

export function sinkPlugin(task: SinkTask): SinkPlugin {
  return {
    type: "sink",
    className: "test.Sink",
    taskClassName: "test.SinkTask",
    version: "1",
    connector: () => {
      throw new Error("not used");
    },
    task: async () => task,
  };
}

export function sinkRig(
  overrides: Partial<SinkTaskParts> & { deadLetters?: DeadLetterSettings } = {},
  world: SinkWorld = { logs: new Map(), commits: new Map() },
  task: RecordingSink = new RecordingSink(),
) {
  const clock = new SimClock();
  const status = new StatusLog();
  const topics: string[] = [];
  const consumerMade = deferred<FakeGroupConsumer>();
  const dlqMade = deferred<FakeProducer<unknown>>();
  const { deadLetters, ...parts } = overrides;
  const runner = new SinkTaskRunner({
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
    plugin: sinkPlugin(task),
    topics: ["orders"],
    clients: {
      consumer: (_topics, listener: RebalanceListener) => {
        const consumer = new FakeGroupConsumer(listener, clock, world.commits, world.logs);
        consumerMade.resolve(consumer);
        return consumer;
      },
      deadLetters: async () =>
        deadLetters &&
        new DeadLetterQueue(ID, deadLetters, clock, <T>(listener: ProducerListener<T>) => {
          const producer = new FakeProducer<T>(listener);
          dlqMade.resolve(producer as unknown as FakeProducer<unknown>);
          return producer;
        }),
      metrics: () => [],
      close: async () => {},
    },
    ...parts,
  });
  return { clock, status, topics, runner, task, consumer: consumerMade.promise, dlq: dlqMade.promise };
}
