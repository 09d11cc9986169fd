import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "../../src/base/random.js";
import { TopicCollector } from "../external/topic-collector.js";
import { startTestBroker, type TestBroker } from "./broker.js";
import { ClientPartition } from "./client-partition.js";
import { MillraceProcess } from "./millrace-process.js";
import { RestClient } from "./rest-client.js";
import { testWorkerProps } from "./stack.js";
import { StatusWatch } from "./status-watch.js";

const WORKERS = 3;
const SOURCES = ["s0", "s1", "s2"];
const LINES_EVERY_MS = 20;
/** Without one of them for this long the pipeline counts as stuck. */
const STUCK_MS = 90_000;

interface Running {
  readonly process: MillraceProcess;
  readonly rest: RestClient;
  readonly workerId: string;
}

/** How a worker is taken from the group, and how it returns. */
type Blow = "kill" | "freeze" | "partition" | "terminate";
const BLOWS: readonly Blow[] = ["kill", "freeze", "partition", "terminate"];

/**
 * Three worker processes that copy growing files to topics and from there to one file, while a seed decides when which
 * worker is killed, frozen, cut off from the broker or stopped. It returns once others run all its work.
 */
export class ChaosGroup {
  readonly #folder = mkdtempSync(join(tmpdir(), "millrace-chaos-"));
  readonly #network = new ClientPartition();
  readonly #random: SeededRandom;
  readonly #workers: (Running | undefined)[] = [];
  readonly #written = new Map(SOURCES.map((source) => [source, 0]));
  #broker!: TestBroker;
  #statuses!: StatusWatch;
  #status!: TopicCollector;
  #records!: TopicCollector;
  #load: NodeJS.Timeout | undefined;
  /** Broken promises, as sentences. */
  readonly faults: string[] = [];

  private constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  static async start(seed: number): Promise<ChaosGroup> {
    const group = new ChaosGroup(seed);
    try {
      await group.#start();
    } catch (error) {
      await group.stop();
      throw error;
    }
    return group;
  }

  /** One blow at a moment of the seed's choice; resolves once the worker is back. */
  async strike(): Promise<string> {
    const at = this.#random.integer(WORKERS);
    const blow = BLOWS[this.#random.integer(BLOWS.length)]!;
    await this.#delivered(this.#random.integer(400));
    const { process, workerId } = this.#workers[at]!;
    const connectors = [...SOURCES, "sink"];
    const runsElsewhere = Promise.all(
      connectors.map((name) =>
        this.#statuses.until(name, ({ connector, tasks }) =>
          [connector, ...tasks.map(([, task]) => task)].every(
            (status) => status?.state === "RUNNING" && status.workerId !== workerId,
          ),
        ),
      ),
    );
    if (blow === "kill") await process.kill9();
    if (blow === "terminate") await process.stop();
    if (blow === "freeze") globalThis.process.kill(process.pid, "SIGSTOP");
    if (blow === "partition") this.#network.cut(`w${at}`);
    await this.#inTime(runsElsewhere, () => `after ${blow} of ${workerId} its work does not run elsewhere`);
    await this.#checkOffsets((at + 1) % WORKERS);
    await this.#delivered(this.#random.integer(200));
    if (blow === "freeze") globalThis.process.kill(process.pid, "SIGCONT");
    if (blow === "partition") this.#network.heal(`w${at}`);
    if (blow === "kill" || blow === "terminate") await this.#startWorker(at);
    return `${blow} w${at}`;
  }

  /** Ends the load, waits until everything has arrived and the statuses have settled, and judges the run. */
  async end(): Promise<void> {
    clearInterval(this.#load);
    await this.#delivered(0);
    await this.#settled();
    await this.#checkOffsets(0);
    await this.#status.readToEnd();
    this.#checkOwners();
  }

  async stop(): Promise<void> {
    clearInterval(this.#load);
    for (const each of this.#workers) await each?.process.kill9();
    await this.#status?.close();
    await this.#records?.close();
    await this.#statuses?.close();
    await this.#broker?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The last lines of all workers, for a failure's message. */
  get logs(): string {
    return this.#workers.map((each, at) => `--- w${at}\n${each?.process.log}`).join("\n");
  }

  async #start(): Promise<void> {
    this.#broker = await startTestBroker({ interceptor: this.#network.intercept });
    this.#records = await TopicCollector.open(this.#broker.bootstrap, SOURCES);
    for (let at = 0; at < WORKERS; at++) await this.#startWorker(at);
    this.#statuses = await StatusWatch.open(this.#broker.bootstrap);
    this.#status = await TopicCollector.open(this.#broker.bootstrap, ["connect-status"]);
    const [{ rest }] = this.#workers as [Running];
    for (const source of SOURCES) {
      writeFileSync(this.#file(source), "");
      await rest.create(source, {
        "connector.class": "FileStreamSource",
        file: this.#file(source),
        topic: source,
        "batch.size": "50",
      });
    }
    const topics = SOURCES.join();
    await rest.create("sink", {
      "connector.class": "FileStreamSink",
      file: this.#file("out"),
      topics,
      "tasks.max": "3",
    });
    writeFileSync(this.#file("out"), "");
    await Promise.all([...SOURCES.map((name) => this.#statuses.running(name)), this.#statuses.running("sink", 3)]);
    this.#load = setInterval(() => this.#write(), LINES_EVERY_MS);
  }

  async #startWorker(at: number): Promise<void> {
    const file = this.#file(`w${at}.properties`);
    const props = testWorkerProps(this.#broker.bootstrap, {
      "client.id": `w${at}`,
      "producer.client.id": `w${at}-producer`,
      "consumer.client.id": `w${at}-consumer`,
      "admin.client.id": `w${at}-admin`,
      "consumer.auto.offset.reset": "earliest",
      "scheduled.rebalance.max.delay.ms": "0",
      "task.shutdown.graceful.timeout.ms": "3000",
    });
    writeFileSync(
      file,
      Object.entries(props)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );
    const process = new MillraceProcess(["worker", file]);
    const [, url = ""] = await process.line(/^REST interface: (\S+)/);
    this.#workers[at] = { process, rest: new RestClient(url), workerId: new URL(url).host };
  }

  #write(): void {
    for (const [source, count] of this.#written) {
      appendFileSync(this.#file(source), `${source} ${count}\n`);
      this.#written.set(source, count + 1);
    }
  }

  /** Resolves once all lines written so far are in the sink's file, and so many more of each source. */
  async #delivered(more: number): Promise<void> {
    const due = new Map([...this.#written].map(([source, count]) => [source, count + (this.#load ? more : 0)]));
    const deadlineMs = performance.now() + STUCK_MS;
    for (;;) {
      const lines = this.#lines();
      const missing = [...due].find(([source, count]) => count > 0 && !hasAll(lines, source, count));
      if (!missing) return;
      if (performance.now() > deadlineMs) throw new Error(`${missing.join(" to line ")} does not arrive\n${this.logs}`);
      await new Promise((next) => setTimeout(next, 200));
    }
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
    const answers = new Set<string>();
    for (const each of this.#workers) {
      const { body } = await each!.rest.get("/connectors?expand=status");
      answers.add(JSON.stringify(Object.entries(body as object).sort(([a], [b]) => (a < b ? -1 : 1))));
    }
    if (answers.size > 1) this.faults.push(`the workers show different statuses: ${[...answers].join("\n")}`);
  }

  /** A committed offset promises that everything before it is in the file. */
  async #checkOffsets(asking: number): Promise<void> {
    const { body } = await this.#workers[asking]!.rest.get("/connectors/sink/offsets");
    const { offsets = [] } = body as {
      offsets?: { partition: Record<string, string>; offset: Record<string, number> }[];
    };
    await this.#records.readToEnd();
    const lines = this.#lines();
    for (const { partition, offset } of offsets) {
      const topic = partition["kafka_topic"]!;
      const before = (this.#records.records.get(topic) ?? []).slice(0, offset["kafka_offset"]);
      const missing = before.find(({ value }) => !lines.has(value!));
      if (missing) this.faults.push(`${topic} is committed to ${offset["kafka_offset"]}, without ${missing.value}`);
    }
  }

  /** No task has run on two workers in one generation. */
  #checkOwners(): void {
    const owners = new Map<string, string>();
    for (const { key, value } of this.#status.records.get("connect-status") ?? []) {
      if (!key?.startsWith("status-task-") || value === null) continue;
      const { state, worker_id: worker, generation } = JSON.parse(value);
      if (state !== "RUNNING") continue;
      const other = owners.get(`${key} ${generation}`);
      if (other !== undefined && other !== worker)
        this.faults.push(`${key} ran on ${other} and ${worker} in generation ${generation}`);
      owners.set(`${key} ${generation}`, worker);
    }
  }

  #lines(): Set<string> {
    return new Set(readFileSync(this.#file("out"), "utf8").split("\n"));
  }

  async #inTime(step: Promise<unknown>, what: () => string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what()}\n${this.logs}`)), STUCK_MS);
    });
    await Promise.race([step, late]);
    clearTimeout(timer);
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }
}

function hasAll(lines: ReadonlySet<string>, source: string, count: number): boolean {
  for (let at = count - 1; at >= 0; at--) if (!lines.has(`${source} ${at}`)) return false;
  return true;
}
