import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningWorker, startWorkerStack } from "../../src/app/stack-worker.js";
import { SystemClock } from "../../src/base/clock.js";
import { Closers } from "../../src/base/closers.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import { type NamedLogger, silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { Interceptor } from "../../src/broker/interceptor.js";
import { type RunningBroker, startBroker } from "../../src/broker/start-broker.js";
import { MillraceProcess } from "./millrace-process.js";
import { RestClient } from "./rest-client.js";
import { StatusWatch } from "./status-watch.js";

type Props = Readonly<Record<string, string>>;

/** A worker's properties for tests: lost members expire soon, and commits are frequent. */
export function testWorkerProps(kafka: string, props: Props = {}): Record<string, string> {
  return {
    "bootstrap.servers": kafka,
    "group.id": "test-cluster",
    "config.storage.topic": "connect-configs",
    "config.storage.replication.factor": "1",
    "offset.storage.topic": "connect-offsets",
    "offset.storage.replication.factor": "1",
    "offset.storage.partitions": "3",
    "status.storage.topic": "connect-status",
    "status.storage.replication.factor": "1",
    "status.storage.partitions": "2",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    listeners: "http://127.0.0.1:0",
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "500",
    "consumer.session.timeout.ms": "6000",
    "consumer.heartbeat.interval.ms": "500",
    "offset.flush.interval.ms": "500",
    ...props,
  };
}

export interface TestStackOptions {
  readonly props?: Props;
  readonly brokerProps?: Props;
  readonly logger?: NamedLogger;
  /** Of the workers for which no others are passed. */
  readonly levels?: LogLevels;
  /** Called for every request before the broker serves it. */
  readonly interceptor?: Interceptor;
}

/** Broker and worker in this process, tasks in the worker's thread, on free ports and in a temporary folder. */
export class TestStack {
  readonly #closers = new Closers();
  #worker: RunningWorker | undefined;
  #statuses: StatusWatch | undefined;

  private constructor(
    /** This stack's folder; tests may put files here. */
    readonly folder: string,
    readonly broker: RunningBroker,
    private readonly options: TestStackOptions,
  ) {}

  static async start(options: TestStackOptions = {}): Promise<TestStack> {
    const folder = mkdtempSync(join(tmpdir(), "millrace-stack-"));
    const broker = await startBroker({
      dataDir: join(folder, "broker"),
      listen: "127.0.0.1:0",
      clock,
      random,
      logger: options.logger ?? silentLogger,
      ...(options.brokerProps && { properties: options.brokerProps }),
      ...(options.interceptor && { interceptor: options.interceptor }),
    });
    const stack = new TestStack(folder, broker, options);
    stack.#closers.add("folder", () => rmSync(folder, { recursive: true, force: true }));
    stack.#closers.add("broker", () => broker.close());
    try {
      await stack.startWorker();
      const statuses = await StatusWatch.open(stack.kafka);
      stack.#statuses = statuses;
      stack.#closers.add("statuses", () => statuses.close());
    } catch (error) {
      await stack.close();
      throw error;
    }
    return stack;
  }

  /** `HOST:PORT` of the broker. */
  get kafka(): string {
    return `127.0.0.1:${this.broker.port}`;
  }

  get worker(): RunningWorker {
    return this.#worker!;
  }

  get rest(): RestClient {
    return new RestClient(this.worker.restUrl);
  }

  get statuses(): StatusWatch {
    return this.#statuses!;
  }

  /** Starts the worker, with the same or other properties. */
  async startWorker(props: Props = {}): Promise<void> {
    const worker = await this.startAnotherWorker(props);
    this.#worker = worker;
  }

  /** Another worker of the same group, closed by the caller or by `close`. */
  async startAnotherWorker(
    props: Props = {},
    logger = this.options.logger ?? silentLogger,
    levels = this.options.levels ?? new LogLevels("off"),
  ): Promise<RunningWorker> {
    const worker = await startWorkerStack({
      props: testWorkerProps(this.kafka, { "task.isolation": "none", ...this.options.props, ...props }),
      clock,
      random,
      logger,
      levels,
      env: process.env,
      restOption: "listeners",
    });
    let closed: Promise<void> | undefined;
    const running = {
      ...worker,
      close: () => (closed ??= worker.close()),
      abandon: () => (closed ??= worker.abandon()),
    };
    this.#closers.add("worker", running.close);
    return running;
  }

  async close(): Promise<void> {
    await this.#closers.close();
  }
}

/** Broker and worker of dist in their own processes, for tests that kill them. */
export class StackProcesses {
  #broker: MillraceProcess | undefined;
  #worker: MillraceProcess | undefined;
  #kafka = "127.0.0.1:0";
  #rest = "127.0.0.1:0";

  private constructor(
    readonly folder: string,
    private readonly props: Props,
  ) {}

  static async start(props: Props = {}): Promise<StackProcesses> {
    const stack = new StackProcesses(mkdtempSync(join(tmpdir(), "millrace-processes-")), props);
    try {
      await stack.startBroker();
      await stack.startWorker();
    } catch (error) {
      await stack.close();
      throw error;
    }
    return stack;
  }

  get kafka(): string {
    return this.#kafka;
  }

  get rest(): RestClient {
    return new RestClient(`http://${this.#rest}`);
  }

  get broker(): MillraceProcess {
    return this.#broker!;
  }

  get worker(): MillraceProcess {
    return this.#worker!;
  }

  /** Starts the broker, on its former address if it ran before. Resolves once it listens. */
  async startBroker(): Promise<void> {
    this.#broker = new MillraceProcess(["broker", "--data", join(this.folder, "data"), "--listen", this.#kafka], QUIET);
    const [, address = ""] = await this.#broker.line(/^Kafka broker: (\S+)$/);
    this.#kafka = address;
  }

  /** Starts the worker, on its former address if it ran before. Resolves once REST answers. */
  async startWorker(): Promise<void> {
    this.#worker = launchWorker(this.folder, this.#kafka, { listeners: `http://${this.#rest}`, ...this.props });
    this.#rest = await restAddress(this.#worker);
  }

  /** Follows the status topic; the caller closes it. */
  statuses(): Promise<StatusWatch> {
    return StatusWatch.open(this.#kafka);
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    await this.#broker?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A worker of dist in its own process, in the group of `stack`. Resolves once its REST answers. */
export async function startWorkerProcess(
  stack: TestStack,
  props: Props,
): Promise<{ readonly process: MillraceProcess; readonly rest: RestClient }> {
  const process = launchWorker(stack.folder, stack.kafka, props);
  return { process, rest: new RestClient(`http://${await restAddress(process)}`) };
}

function launchWorker(folder: string, kafka: string, props: Props): MillraceProcess {
  const file = join(folder, "worker.properties");
  const lines = Object.entries(testWorkerProps(kafka, props)).map(
    ([key, value]) => `${key}=${value.replaceAll("\\", "\\\\")}\n`,
  );
  writeFileSync(file, lines.join(""));
  return new MillraceProcess(["worker", file], QUIET);
}

async function restAddress(worker: MillraceProcess): Promise<string> {
  const [, address = ""] = await worker.line(/^REST interface: http:\/\/(\S+)$/);
  return address;
}

const clock = new SystemClock();
const random = new SystemRandom();
const QUIET = { MILLRACE_LOG_LEVEL: "warn" };
