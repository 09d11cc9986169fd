import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SystemClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { SystemHttpClient } from "../../src/base/http-client.js";
import { SeededRandom, SystemRandom } from "../../src/base/random.js";
import { readFinalRows } from "../../src/demo/check/final-rows.js";
import { judgePipeline, type TopicVerdict } from "../../src/demo/check/judge-pipeline.js";
import { SHOP_TABLES, topicOf } from "../../src/demo/check/shop-tables.js";
import { StoredObjects } from "../../src/demo/check/stored-objects.js";
import { TopicObserver } from "../../src/demo/check/topic-observer.js";
import { type ConnectorRequest, ConnectRest } from "../../src/demo/connect-rest.js";
import { DemoWorkload } from "../../src/demo/demo-workload.js";
import { freePort } from "../../src/emulators/postgres/postgres-port.js";
import type { PostgresServer } from "../../src/emulators/postgres/postgres-server.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { kafkaClient } from "./kafka-client.js";
import { MillraceProcess } from "./millrace-process.js";
import { startTestObjectStore, TEST_CREDENTIALS, type TestObjectStore } from "./object-store.js";
import { startTestPostgres, withClient } from "./postgres.js";
import { StatusWatch } from "./status-watch.js";

const CONFIG = fileURLToPath(new URL("../../config/demo/", import.meta.url));
const BUCKET = "shop";
const clock = new SystemClock();
const _random = new SystemRandom();

/**
 * The demo's pipeline with each part in its own process, so that any can be killed: Postgres, the bundled broker and a
 * worker; the object store is in this process. It is watched from outside, like the demo.
 */
export class Pipeline {
  readonly #workerFile: string;
  #broker: MillraceProcess;
  #worker: MillraceProcess;
  readonly #kafka: KafkaClient;
  readonly #over = new AbortController();
  readonly #observing: Promise<void>;
  readonly observer: TopicObserver;
  readonly objects: StoredObjects;
  readonly workload: DemoWorkload;
  #workloadOver = new AbortController();
  #working: Promise<void> | undefined;

  private constructor(
    readonly postgres: PostgresServer,
    readonly store: TestObjectStore,
    readonly dataDir: string,
    readonly brokerAddress: string,
    readonly restPort: number,
    broker: MillraceProcess,
    seed: number,
  ) {
    this.#workerFile = join(dataDir, "worker.properties");
    writeFileSync(this.#workerFile, workerProperties(brokerAddress, restPort));
    this.#broker = broker;
    this.#worker = this.#startWorker();
    this.#kafka = kafkaClient(brokerAddress, { "client.id": "observer" });
    this.observer = new TopicObserver(
      this.#kafka,
      SHOP_TABLES.map((table) => topicOf("demo", table)),
      clock,
    );
    this.#observing = this.observer.run(this.#over.signal);
    this.objects = new StoredObjects(store.client, BUCKET);
    this.workload = new DemoWorkload({
      connectionString: postgres.connectionString,
      clients: 2,
      rate: 150,
      durationMs: 24 * 3600 * 1000,
      clock,
      random: new SeededRandom(seed),
    });
  }

  /** Starts everything and fills the shop, without connectors. @param seed determines the workload. */
  static async start(seed: number): Promise<Pipeline> {
    const dataDir = mkdtempSync(join(tmpdir(), "millrace-pipeline-"));
    const [postgres, store] = await Promise.all([startTestPostgres(), startTestObjectStore({ buckets: [BUCKET] })]);
    await withClient(postgres, async (client) => {
      for (const file of ["schema.sql", "rows.sql"]) await client.query(readFileSync(join(CONFIG, file), "utf8"));
    });
    const brokerPort = await freePort("127.0.0.1", 501);
    const restPort = await freePort("127.0.0.1", 877);
    const address = `127.0.0.1:${brokerPort}`;
    const broker = startBroker(dataDir, address);
    await broker.line(/^Kafka broker: /);
    return new Pipeline(postgres, store, dataDir, address, restPort, broker, seed);
  }

  get rest(): ConnectRest {
    return new ConnectRest(this.restUrl, clock, new SystemHttpClient(clock));
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.restPort}`;
  }

  get worker(): MillraceProcess {
    return this.#worker;
  }

  get broker(): MillraceProcess {
    return this.#broker;
  }

  /** Creates the demo's two connectors for this pipeline, and starts the live mix. */
  async run(): Promise<void> {
    await this.#worker.line(/^REST interface: /);
    await this.rest.create(this.sourceRequest());
    await this.rest.create(this.sinkRequest());
    this.startWorkload();
  }

  /** Starts the live mix, also again after `endWorkload`. */
  startWorkload(): void {
    this.#workloadOver = new AbortController();
    this.#working = this.workload.run(this.#workloadOver.signal);
  }

  sourceRequest(): ConnectorRequest {
    return request("postgres-source.json", {
      "database.port": String(this.postgres.port),
      "database.user": this.postgres.user,
      "database.password": this.postgres.password,
      "database.dbname": "postgres",
    });
  }

  sinkRequest(): ConnectorRequest {
    return request("s3-sink.json", {
      "store.url": this.store.store.endpoint,
      "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
      "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
      "consumer.override.session.timeout.ms": "6000",
    });
  }

  /** Follows the worker's status topic; the caller closes it. */
  statuses(): Promise<StatusWatch> {
    return StatusWatch.open(this.brokerAddress, "pipeline-status");
  }

  async killWorker(): Promise<void> {
    await this.#worker.kill9();
    this.#worker = this.#startWorker();
  }

  async killBroker(): Promise<void> {
    await this.#broker.kill9();
    this.#broker = startBroker(this.dataDir, this.brokerAddress);
  }

  /** Events read from the topics so far. */
  get events(): number {
    return this.observer.events.length;
  }

  /** Those of them that are streamed, not rows of a snapshot. */
  get streamed(): number {
    return this.observer.events.length - this.observer.snapshotEvents;
  }

  /** Resolves once so many events, or streamed ones, have been read in total, or after `mostMs`. */
  async reached(counts: { readonly events?: number; readonly streamed?: number }, mostMs: number): Promise<void> {
    const { events = Number.POSITIVE_INFINITY, streamed = Number.POSITIVE_INFINITY } = counts;
    const reached = deferred();
    const look = () => {
      if (this.events >= events || this.streamed >= streamed) reached.resolve();
    };
    const forget = this.observer.onRead(look);
    look();
    const timeUp = new AbortController();
    await Promise.race([reached.promise, clock.delay(mostMs, timeUp.signal)]);
    timeUp.abort();
    forget();
  }

  /** Ends the live mix; resolves once its running transactions are done. */
  async endWorkload(): Promise<void> {
    this.#workloadOver.abort();
    await this.#working;
  }

  /**
   * Waits until the last event of every key is the row's final state and every record of the topics is in an object, by
   * the contents of topics and store, then judges. After `mostMs` it judges the current state; the verdict then lists
   * what is missing.
   */
  async verdict(mostMs: number): Promise<TopicVerdict[]> {
    const rows = await withClient(this.postgres, (client) => readFinalRows(client, "demo"));
    const judge = () => judgePipeline(rows, this.observer.events, this.objects.contents);
    const complete = deferred();
    let looking = Promise.resolve();
    const look = async () => {
      await this.objects.refresh();
      // Counting is cheap and judging is not: judge only once the counts agree.
      const records = this.observer.events.filter(({ kind }) => kind !== "tombstone").length;
      if (this.objects.records < records) return;
      const left = judge().reduce(
        (sum, { missing, leftOver, missingRecords }) => sum + missing + leftOver + missingRecords,
        0,
      );
      if (left === 0) complete.resolve();
    };
    let isLookDue = false;
    // One look answers for all that happened before it.
    const lookNext = () => {
      if (isLookDue) return;
      isLookDue = true;
      looking = looking.then(() => {
        isLookDue = false;
        return look();
      });
      looking.catch(complete.reject);
    };
    const forgets = [
      this.store.store.onApplied(({ operation }) => isWrite(operation) && lookNext()),
      this.observer.onRead(lookNext),
    ];
    lookNext();
    const timeUp = new AbortController();
    await Promise.race([complete.promise, clock.delay(mostMs, timeUp.signal)]);
    timeUp.abort();
    for (const forget of forgets) forget();
    await looking;
    return judge();
  }

  async stop(): Promise<void> {
    this.#workloadOver.abort();
    this.#over.abort();
    const ended = await Promise.allSettled([this.#working, this.#observing]);
    await this.#kafka.close();
    await Promise.all([this.#worker.kill9(), this.#broker.kill9()]);
    await Promise.all([this.postgres.stop(), this.store.stop()]);
    rmSync(this.dataDir, { recursive: true, force: true });
    for (const end of ended) if (end.status === "rejected") throw end.reason;
  }

  #startWorker(): MillraceProcess {
    return new MillraceProcess(["worker", this.#workerFile]);
  }
}

function startBroker(dataDir: string, address: string): MillraceProcess {
  const args = ["broker", "--data", join(dataDir, "broker"), "--listen", address];
  return new MillraceProcess(args, { MILLRACE_LOG_LEVEL: "warn" });
}

function isWrite(operation: string): boolean {
  return operation === "PutObject" || operation === "CompleteMultipartUpload";
}

function request(file: string, changes: Readonly<Record<string, string>>): ConnectorRequest {
  const { name, config } = JSON.parse(readFileSync(join(CONFIG, file), "utf8")) as ConnectorRequest;
  return { name, config: { ...config, ...changes } };
}

/** Short sessions, so that a killed member expires soon. */
function workerProperties(brokerAddress: string, restPort: number): string {
  return [
    `bootstrap.servers=${brokerAddress}`,
    "group.id=pipeline",
    "config.storage.topic=pipeline-configs",
    "offset.storage.topic=pipeline-offsets",
    "status.storage.topic=pipeline-status",
    "config.storage.replication.factor=1",
    "offset.storage.replication.factor=1",
    "status.storage.replication.factor=1",
    "key.converter=org.apache.kafka.connect.json.JsonConverter",
    "value.converter=org.apache.kafka.connect.json.JsonConverter",
    "session.timeout.ms=6000",
    "heartbeat.interval.ms=2000",
    "offset.flush.interval.ms=5000",
    `listeners=http://127.0.0.1:${restPort}`,
    "",
  ].join("\n");
}
