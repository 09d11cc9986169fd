import { type FileHandle, open } from "node:fs/promises";
import {
  ConfigError,
  type Converter,
  type Props,
  parseConfig,
  RecordHeaders,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartitionOffset,
} from "../../src/api/index.js";
import { fileSinkConfig } from "./file-sink-connector.js";

/** For the converter: a line has no place for headers. */
const NO_HEADERS = new RecordHeaders();
const NULL = Buffer.from("null");
const LINE_END = Buffer.from("\n");

/** The file or standard output. */
interface LineTarget {
  append(bytes: Buffer): Promise<void>;
  /** Resolves once the appended bytes would survive a power failure. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Appends each value as a line, in the form of Java's `String.valueOf`. `preCommit` returns offsets once their lines
 * are on disk (fdatasync); standard output cannot promise that. A failed write may leave part of its batch in the file,
 * the last line incomplete: the restarted task appends everything since the last commit again.
 */
export class FileSinkTask implements SinkTask {
  #target: LineTarget | undefined;
  #text!: Converter;

  /** @throws ConfigError when the file cannot be opened. */
  async start(context: SinkTaskContext, props: Props): Promise<void> {
    const { file } = parseConfig(fileSinkConfig, props);
    this.#text = context.converter("org.apache.kafka.connect.storage.StringConverter", {}, false);
    this.#target = file === null || file === "" ? standardOutput : await openTarget(file);
  }

  async open(): Promise<void> {
    // All partitions share the file.
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    const lines: Buffer[] = [];
    for (const { topic, valueSchema, value } of records) {
      lines.push(this.#text.fromConnectData(topic, NO_HEADERS, valueSchema, value) ?? NULL, LINE_END);
    }
    await this.#target!.append(Buffer.concat(lines));
  }

  async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    await this.#target!.flush();
    return current; // I2
  }

  async close(): Promise<void> {
    // All partitions share the file.
  }

  async stop(): Promise<void> {
    await this.#target?.close();
  }
}

async function openTarget(path: string): Promise<LineTarget> {
  let handle: FileHandle;
  try {
    handle = await open(path, "a");
  } catch (cause) {
    throw new ConfigError("file", `Couldn't find or create file '${path}' for FileStreamSinkTask: ${String(cause)}`, {
      cause,
    });
  }
  const naming = (cause: unknown) => {
    throw new ConfigError(
      "file",
      `Writing to file '${path}' failed: ${(cause as Error).message}. Once it can be written again, restart the task; the lines that were not committed are then written anew.`,
      { cause },
    );
  };
  return {
    append: (bytes) => handle.appendFile(bytes).catch(naming),
    flush: async () => {
      // A pipe or a terminal has no disk behind it.
      if ((await handle.stat()).isFile()) await handle.datasync().catch(naming);
    },
    close: () => handle.close(),
  };
}

const standardOutput: LineTarget = {
  append: (bytes) =>
    new Promise((resolve, reject) => process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()))),
  flush: async () => {},
  close: async () => {},
};
