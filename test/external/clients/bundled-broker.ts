import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BatchSlice, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { MillraceProcess } from "../../support/millrace-process.js";

/** `millrace broker` as users start it: a process of its own, with its defaults. */
export class BundledBroker {
  #process: MillraceProcess;

  private constructor(
    process: MillraceProcess,
    readonly bootstrap: string,
    private readonly folder: string,
  ) {
    this.#process = process;
  }

  /** Starts one on a free port and an empty folder. @param properties over its defaults. */
  static async start(properties: Readonly<Record<string, string>> = {}): Promise<BundledBroker> {
    const folder = mkdtempSync(join(tmpdir(), "millrace-clients-"));
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(folder, CONFIG), lines.join(""));
    const process = launch(folder, "127.0.0.1:0");
    const [, bootstrap = ""] = await process.line(READY);
    return new BundledBroker(process, bootstrap, folder);
  }

  /** Kills it, and starts it again on the same data and port. */
  async killAndRestart(): Promise<void> {
    await this.#process.kill9();
    this.#process = launch(this.folder, this.bootstrap);
    await this.#process.line(READY);
  }

  /** The batches of a topic's one partition, as they are on disk. */
  batchesOf(topic: string): readonly BatchSlice[] {
    const segments = this.filesOf(topic).filter((path) => path.endsWith(".log"));
    return segments.toSorted().flatMap((path) => [...walkBatches(readFileSync(path))]);
  }

  /** The files of a topic's one partition. */
  filesOf(topic: string): readonly string[] {
    const log = join(this.folder, DATA, `${topic}-0`);
    return readdirSync(log).map((name) => join(log, name));
  }

  /** Ends it cleanly. Its files stay until `stop`. */
  async end(): Promise<void> {
    await this.#process.stop();
  }

  /** What it has printed last. */
  get log(): string {
    return this.#process.log;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const CONFIG = "broker.properties";
/** Where `--data` of the command line has the broker. */
const DATA = "broker";
const READY = /^Kafka broker: (\S+)/;

function launch(folder: string, address: string): MillraceProcess {
  const config = join(folder, CONFIG);
  return new MillraceProcess(["broker", "--data", folder, "--listen", address, "--config", config]);
}
