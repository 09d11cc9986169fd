import {
  DataError,
  type Props,
  parseConfig,
  type SourceLag,
  type SourceMap,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  STRING,
} from "../../src/api/index.js";
import { fileSourceConfig } from "./file-source-connector.js";
import { GrowingFile, type LineSource, StandardInput } from "./line-source.js";
import type { Line } from "./line-splitter.js";

/** The pause when there are no lines, as in Kafka's connector. */
const IDLE_MS = 1000;

/**
 * Sends each finished line as a record whose offset is the position after it, in bytes. (Kafka's connector counts
 * characters, and so resumes at the wrong place after any character of several bytes.) An unfinished line waits.
 */
export class FileSourceTask implements SourceTask {
  #context!: SourceTaskContext;
  #source: LineSource | undefined;
  #topic = "";
  #batchSize = 0;
  #partition: SourceMap = {};
  /** False for standard input, which has no positions: its offsets hold null. */
  #positioned = false;
  /** Lines read. `poll` has returned those before `#next`. */
  #lines: readonly Line[] = [];
  #next = 0;
  /** The position after the last line returned. */
  #returned = 0;

  /** @throws ConfigError, or DataError if the stored offset is not a position. */
  async start(context: SourceTaskContext, props: Props): Promise<void> {
    const config = parseConfig(fileSourceConfig, props);
    const path = config.file === "" ? null : config.file;
    this.#context = context;
    this.#topic = config.topic;
    this.#batchSize = Math.max(1, config["batch.size"]);
    this.#partition = { filename: path };
    this.#positioned = path !== null;
    if (this.#positioned) this.#returned = await this.#storedPosition();
    this.#source =
      path === null
        ? new StandardInput()
        : new GrowingFile(path, this.#returned, (reason) =>
            context.logger.warn(`File ${path} ${reason}: it is read from its beginning`),
          );
  }

  async poll(): Promise<readonly SourceRecord[] | null> {
    if (this.#next === this.#lines.length) await this.#read();
    const lines = this.#lines.slice(this.#next, this.#next + this.#batchSize);
    this.#next += lines.length;
    if (lines.length > 0) return this.#records(lines);
    await this.#context.clock.delay(IDLE_MS, this.#context.stopping);
    return null;
  }

  lag(): SourceLag {
    const sizeBytes = this.#source?.sizeBytes;
    return { lagBytes: sizeBytes === undefined ? undefined : Math.max(0, sizeBytes - this.#returned) };
  }

  async stop(): Promise<void> {
    await this.#source?.close();
  }

  async #read(): Promise<void> {
    this.#lines = [];
    this.#next = 0;
    const found = await this.#source!.read();
    if ("waitingFor" in found) {
      this.#context.waitingFor(found.waitingFor);
      return;
    }
    this.#context.waitingFor(null);
    this.#lines = found;
  }

  #records(lines: readonly Line[]): SourceRecord[] {
    this.#returned = lines.at(-1)!.end;
    const nowMs = this.#context.clock.nowMs();
    return lines.map(
      ({ text, end }) =>
        new SourceRecord(
          this.#partition,
          { position: this.#positioned ? end : null },
          this.#topic,
          null,
          null,
          null,
          STRING,
          text,
          nowMs,
        ),
    );
  }

  async #storedPosition(): Promise<number> {
    const [stored] = await this.#context.readOffsets([this.#partition]);
    const position = stored?.offset?.["position"] ?? 0;
    const bytes = typeof position === "bigint" ? Number(position) : position;
    if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
    throw new DataError(
      "VALUE_INVALID",
      `Offset position is the incorrect type: the stored offset of file ${this.#partition["filename"]} must hold an integer of 0 or more; set or reset it with /connectors/${this.#context.connectorName}/offsets`,
    );
  }
}
