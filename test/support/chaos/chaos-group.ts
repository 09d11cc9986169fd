import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SeededRandom } from "../../../src/base/random.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { startTestBroker, type TestBroker } from "../broker.js";
import { kafkaClient } from "../kafka-client.js";
import { MillraceProcess } from "../millrace-process.js";
import { Patience, patiently } from "../patience.js";
import { RestClient } from "../rest-client.js";
import { testWorkerProps } from "../stack.js";
import { StatusWatch } from "../status-watch.js";
import { TcpProxy } from "../tcp-proxy.js";
import { TopicReader } from "../topic-reader.js";
import { BLOWS } from "./chaos-blow.js";
import { ChaosLoad } from "./chaos-load.js";

const WORKERS = 3;
export const SOURCES: readonly string[] = ["s0", "s1", "s2"];
/** Without one of them for this long, as `Patience` counts, the pipeline is stuck. */
const STUCK_MS = 180_000;
const THROUGH_PROXY = fileURLToPath(new URL("through-proxy.cjs", import.meta.url));

interface Running {
  readonly process: MillraceProcess;
  readonly network: TcpProxy;
  readonly rest: RestClient;
  readonly workerId: string;
}

export interface ChaosOptions {
  readonly seed: number;
  /** `HOST:PORT` of a Kafka without topics; by default a bundled broker. */
  readonly kafka?: string;
  /** The sources deliver exactly once; by default at least once. */
  readonly exactlyOnce?: boolean;
}

/**
 * Three worker processes that copy growing files to topics and from there to one file, each behind a network of its own,
 * while a seed decides when which worker gets which blow. A worker returns once others run all its work.
 */
export class ChaosGroup {
  readonly #folder = mkdtempSync(join(tmpdir(), "millrace-chaos-"));
  readonly #random: SeededRandom;
  readonly #exactlyOnce: boolean;
  readonly #networks: TcpProxy[] = [];
  readonly #workers: (Running | undefined)[] = [];
  readonly #load = new ChaosLoad(new Map(SOURCES.map((source) => [source, this.#file(source)])), this.#file("out"));
  #kinds: string[] = [];
  #kafka: string;
  #broker: TestBroker | undefined;
  #client: KafkaClient | undefined;
  #statuses!: StatusWatch;
  #status!: TopicReader;
  #records!: TopicReader;
  /** Broken promises, as sentences. */
  readonly faults: string[] = [];

  private constructor({ seed, kafka = "", exactlyOnce = false }: ChaosOptions) {
    this.#random = new SeededRandom(seed);
    this.#kafka = kafka;
    this.#exactlyOnce = exactlyOnce;
  }

  static async start(options: ChaosOptions): Promise<ChaosGroup> {
    const group = new ChaosGroup(options);
    try {
      await group.#start();
    } catch (error) {
      await group.stop();
      throw error;
    }
    return group;
  }

  /** One blow at a moment of the seed's choice; resolves once the worker is back, with what happened in words. */
  async strike(): Promise<string> {
    const at = this.#random.integer(WORKERS);
    const name = this.#nextKind();
    const blow = BLOWS[name]!;
    const victim = this.#workers[at]!;
    await this.#delivered(this.#random.integer(400));
    const startedMs = performance.now();
    const runsElsewhere = blow.isLoss ? this.#runsWithout(victim.workerId) : undefined;
    await blow.begin(victim, this.#random);
    if (runsElsewhere)
      await this.#inTime(runsElsewhere, () => `after ${name} of ${victim.workerId} its work does not run elsewhere`);
    await this.#checkOffsets();
    await this.#delivered(this.#random.integer(200));
    if (blow.ends) await this.#startWorker(at);
    else blow.end?.(victim);
    return `${name} of w${at}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  }

  /** Every kind comes once, in the seed's order, before any comes again. */
  #nextKind(): string {
    if (this.#kinds.length === 0) this.#kinds = Object.keys(BLOWS);
    return this.#kinds.splice(this.#random.integer(this.#kinds.length), 1)[0]!;
  }

  /** Ends the load, waits until everything has arrived and the statuses have settled, and judges the run. */
  async end(): Promise<void> {
    this.#load.end();
    await this.#delivered(0);
    await this.#settled();
    await this.#checkOffsets();
    await this.#checkTopics();
    await this.#status.readToEnd();
    this.#checkOwners();
  }

  /** All lines that a source has read: what its topic must hold. */
  lines(source: string): string[] {
    return this.#load.lines(source);
  }

  async stop(): Promise<void> {
    this.#load.end();
    for (const each of this.#workers) await each?.process.kill9();
    await this.#status?.close();
    await this.#records?.close();
    await this.#statuses?.close();
    await this.#client?.close();
    for (const network of this.#networks) await network.close();
    await this.#broker?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The last lines of all workers, for a failure's message. */
  get logs(): string {
    return this.#workers.map((each, at) => `--- w${at}\n${each?.process.log}`).join("\n");
  }

  async #start(): Promise<void> {
    if (this.#kafka === "") {
      this.#broker = await startTestBroker();
      this.#kafka = this.#broker.bootstrap;
    }
    this.#client = kafkaClient(this.#kafka);
    await this.#client.admin.createTopics(SOURCES.map((name) => ({ name, partitions: 1, replicationFactor: 1 })));
    const [host, port] = this.#kafka.split(":") as [string, string];
    for (let at = 0; at < WORKERS; at++) {
      this.#networks.push(await TcpProxy.start({ host, port: Number(port) }));
      await this.#startWorker(at);
    }
    this.#statuses = await StatusWatch.open(this.#kafka);
    this.#status = await TopicReader.open(this.#kafka, ["connect-status"], "read_uncommitted");
    const isolation = this.#exactlyOnce ? "read_committed" : "read_uncommitted";
    this.#records = await TopicReader.open(this.#kafka, SOURCES, isolation);
    const [{ rest }] = this.#workers as [Running];
    for (const source of SOURCES) {
      await rest.create(source, {
        "connector.class": "FileStreamSource",
        file: this.#file(source),
        topic: source,
        "batch.size": "50",
        ...(this.#exactlyOnce && { "exactly.once.support": "required" }),
      });
    }
    await rest.create("sink", {
      "connector.class": "FileStreamSink",
      file: this.#file("out"),
      topics: SOURCES.join(),
      "tasks.max": "3",
      "consumer.override.isolation.level": isolation,
    });
    await Promise.all([...SOURCES.map((name) => this.#statuses.running(name)), this.#statuses.running("sink", 3)]);
    this.#load.start();
  }

  async #startWorker(at: number): Promise<void> {
    const network = this.#networks[at]!;
    const file = this.#file(`w${at}.properties`);
    const props = testWorkerProps(this.#kafka, {
      "client.id": `w${at}`,
      "consumer.auto.offset.reset": "earliest",
      "scheduled.rebalance.max.delay.ms": "0",
      "task.shutdown.graceful.timeout.ms": "3000",
      ...(this.#exactlyOnce && { "exactly.once.source.support": "enabled" }),
    });
    const lines = Object.entries(props).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(""));
    const process = new MillraceProcess(["worker", file], {
      NODE_OPTIONS: `--require=${THROUGH_PROXY}`,
      MILLRACE_TEST_PROXY: `${this.#kafka.split(":")[1]}:${network.port}`,
    });
    const [, url = ""] = await process.line(/^REST interface: (\S+)/);
    this.#workers[at] = { process, network, rest: new RestClient(url), workerId: new URL(url).host };
  }

  async #runsWithout(workerId: string): Promise<void> {
    await Promise.all(
      [...SOURCES, "sink"].map((name) =>
        this.#statuses.until(name, ({ connector, tasks }) =>
          [connector, ...tasks.map(([, task]) => task)].every(
            (status) => status?.state === "RUNNING" && status.workerId !== workerId,
          ),
        ),
      ),
    );
  }

  async #delivered(more: number): Promise<void> {
    await this.#load.delivered(more, STUCK_MS).catch((error) => {
      throw new Error(`${(error as Error).message}\n${this.logs}`);
    });
  }

  async #settled(): Promise<void> {
    const ids = new Set(this.#workers.map((each) => each!.workerId));
    const isRunning = (status: { state: string; workerId: string } | undefined) =>
      status?.state === "RUNNING" && ids.has(status.workerId);
    const settled = [...SOURCES, "sink"].map((name) =>
      this.#statuses.until(
        name,
        ({ connector, tasks }) => isRunning(connector) && tasks.every(([, t]) => isRunning(t)),
      ),
    );
    await this.#inTime(Promise.all(settled), () => "the statuses do not settle");
    // A worker that was cut off may still read the status topic.
    let isStuck = false;
    const patience = new Patience(STUCK_MS, () => {
      isStuck = true;
    });
    try {
      for (;;) {
        const answers = new Set<string>();
        for (const each of this.#workers) {
          const { body } = await each!.rest.get("/connectors?expand=status");
          answers.add(JSON.stringify(Object.entries(body as object).sort(([a], [b]) => (a < b ? -1 : 1))));
        }
        if (answers.size === 1) return;
        if (isStuck) return void this.faults.push(`the workers show different statuses: ${[...answers].join("\n")}`);
        await new Promise((next) => setTimeout(next, 500));
      }
    } finally {
      patience.end();
    }
  }

  /** A committed offset promises that everything before it is in the file. */
  async #checkOffsets(): Promise<void> {
    for (const committed of await this.#client!.admin.listGroupOffsets("connect-sink")) {
      const { topic, offset } = committed;
      await this.#records.readTo(committed, offset);
      const before = this.#records.of(topic).filter((record) => record.offset < offset);
      const missing = before.find(({ value }) => !this.#load.has(value!));
      if (missing) this.faults.push(`${topic} is committed to ${offset}, without ${missing.value}`);
    }
  }

  /** No line is lost; with exactly-once delivery, none is repeated or out of order. */
  async #checkTopics(): Promise<void> {
    await this.#records.readToEnd();
    for (const source of SOURCES) {
      const due = this.lines(source);
      const held = this.#records.of(source).map(({ value }) => value);
      const found = new Set(held);
      const lost = due.filter((line) => !found.has(line));
      if (lost.length > 0) this.faults.push(`${source} has lost ${lost.length} lines, the first is ${lost[0]}`);
      if (!this.#exactlyOnce) continue;
      const wrong = due.findIndex((line, index) => held[index] !== line);
      if (wrong >= 0) this.faults.push(`${source} has ${held[wrong]} where ${due[wrong]} is due`);
      if (held.length > due.length) this.faults.push(`${source} repeats ${held.length - due.length} lines`);
    }
  }

  /** No task has run on two workers in one generation. */
  #checkOwners(): void {
    const owners = new Map<string, string>();
    for (const { key, value } of this.#status.of("connect-status")) {
      if (!key?.startsWith("status-task-") || value === null) continue;
      const { state, worker_id: worker, generation } = JSON.parse(value);
      if (state !== "RUNNING") continue;
      const other = owners.get(`${key} ${generation}`);
      if (other !== undefined && other !== worker)
        this.faults.push(`${key} ran on ${other} and ${worker} in generation ${generation}`);
      owners.set(`${key} ${generation}`, worker);
    }
  }

  /** @throws Error with what `late` says if the step takes longer than `STUCK_MS`; the step's own error. */
  async #inTime(step: Promise<unknown>, late: () => string): Promise<void> {
    await patiently(step, STUCK_MS, () => `${late()}\n${this.logs}`);
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}
