import {
  type ConfigValues,
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
import { GrowingFile, type StartingPoint } from "./growing-file.js";
import { lineDecoder } from "./line-decoder.js";
import { type LineSource, type PlacedLine, StandardInput } from "./line-source.js";
import type { LineRules } from "./line-splitter.js";

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
  /** Lines read. `poll` has returned those before `#next`. */
  #lines: readonly PlacedLine[] = [];
  #next = 0;
  /** The position after the last line returned. */
  #returned = 0;
  /** Of the lines read last. */
  #malformed: { readonly first: number; readonly count: number } | undefined;

  /** @throws ConfigError, or DataError if the stored offset is not a position. */
  async start(context: SourceTaskContext, props: Props): Promise<void> {
    const config = parseConfig(fileSourceConfig, props);
    const path = config.file === "" ? null : config.file;
    this.#context = context;
    this.#topic = config.topic;
    this.#batchSize = Math.max(1, config["batch.size"]);
    this.#partition = { filename: path };
    const rules = this.#rules(config, path ?? "standard input");
    if (path === null) {
      this.#source = new StandardInput(rules);
      return;
    }
    const start = await this.#storedStart();
    this.#returned = start.position;
    this.#source = new GrowingFile(path, start, rules, (event) => context.logger.warn(`File ${path} ${event}`));
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
    if (this.#malformed === undefined) return;
    this.#context.logger.warn("Lines have bytes that are no characters in their encoding; they become U+FFFD", {
      file: this.#partition["filename"],
      firstLineAtByte: this.#malformed.first,
      lines: this.#malformed.count,
    });
    this.#malformed = undefined;
  }

  #rules(config: ConfigValues<typeof fileSourceConfig>, file: string): LineRules {
    const { decode, isMalformed } = lineDecoder(config.encoding);
    return {
      maxBytes: config["line.max.bytes"],
      decode: (line, start) => {
        if (!isMalformed(line)) return decode(line);
        if (config["malformed.input"] === "fail") {
          throw new DataError(
            "VALUE_INVALID",
            `The line at byte ${start} of ${file} is not ${config.encoding}. Correct encoding, set malformed.input=replace, or set the connector's offset behind the line with /connectors/${this.#context.connectorName}/offsets.`,
          );
        }
        this.#malformed = { first: this.#malformed?.first ?? start, count: (this.#malformed?.count ?? 0) + 1 };
        return decode(line);
      },
    };
  }

  #records(lines: readonly PlacedLine[]): SourceRecord[] {
    this.#returned = lines.at(-1)!.end;
    const nowMs = this.#context.clock.nowMs();
    return lines.map(
      ({ text, offset }) =>
        new SourceRecord(this.#partition, offset, this.#topic, null, null, null, STRING, text, nowMs),
    );
  }

  async #storedStart(): Promise<StartingPoint> {
    const [stored] = await this.#context.readOffsets([this.#partition]);
    const { position = 0, inode, fingerprint } = stored?.offset ?? {};
    const bytes = typeof position === "bigint" ? Number(position) : (position ?? 0);
    // Offsets of Kafka's connector, and those that a user has set, hold the position only.
    const identity =
      typeof inode === "string" && typeof fingerprint === "string" && bytes !== 0 ? { inode, fingerprint } : undefined;
    if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0) return { position: bytes, identity };
    throw new DataError(
      "VALUE_INVALID",
      `Offset position is the incorrect type: the stored offset of file ${this.#partition["filename"]} must hold an integer of 0 or more; set or reset it with /connectors/${this.#context.connectorName}/offsets`,
    );
  }
}
