import {
  allOf,
  atLeast,
  type ConfigCheck,
  type ConfigDef,
  type ConnectorContext,
  DataError,
  invalidValue,
  nonEmpty,
  oneOf,
  type Props,
  parseConfig,
  type SourceConnector,
  type SourceOffset,
  type Support,
} from "../../src/api/index.js";
import { isLineEncoding } from "./line-decoder.js";

/** Kafka's rule for topic names. Unchecked, a bad name would fail the task only at its first record. */
const topicName: ConfigCheck = (key, value) =>
  typeof value !== "string" || /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/.test(value)
    ? undefined
    : invalidValue(
        key,
        value,
        "A topic name has at most 249 characters, only ASCII letters, digits, '.', '_' and '-', and is not '.' or '..'",
      );

const lineEncoding: ConfigCheck = (key, value) =>
  typeof value !== "string" || isLineEncoding(value)
    ? undefined
    : invalidValue(key, value, "It is unknown, or its lines cannot be told apart (UTF-16)");

export const fileSourceConfig = {
  file: {
    type: "string",
    doc: "File to read lines from, and to follow as it grows. By default standard input.",
    default: null,
    importance: "high",
  },
  topic: { type: "string", doc: "Topic for the lines.", importance: "high", check: allOf(nonEmpty, topicName) },
  "batch.size": { type: "int", doc: "Maximum number of lines in a batch.", default: 2000, importance: "low" },
  encoding: {
    type: "string",
    doc: "Encoding of the lines, as the Encoding Standard names it: UTF-8, ISO-8859-1, windows-1252, Shift_JIS. Not UTF-16.",
    default: "UTF-8",
    importance: "low",
    check: lineEncoding,
  },
  "malformed.input": {
    type: "string",
    doc: "Handling of bytes that are no characters in this encoding. replace: they become U+FFFD, and the log tells where. fail: the task fails.",
    default: "replace",
    importance: "low",
    check: oneOf("replace", "fail"),
  },
  "line.max.bytes": {
    type: "int",
    doc: "Most bytes of a line. At a longer one the task fails, so that a line without an end does not fill the memory.",
    default: 16_777_216,
    importance: "low",
    check: atLeast(1),
  },
} as const satisfies ConfigDef;

/** `org.apache.kafka.connect.file.FileStreamSourceConnector`: lines of a file as records, always by one task. */
export class FileSourceConnector implements SourceConnector {
  readonly config: ConfigDef = fileSourceConfig;
  #props: Props = {};

  async start(_context: ConnectorContext, props: Props): Promise<void> {
    parseConfig(fileSourceConfig, props);
    this.#props = props;
  }

  async taskConfigs(): Promise<Record<string, string>[]> {
    return [{ ...this.#props }];
  }

  /** Judges shapes, in Kafka's words; the task finds out whether the file reaches that far. */
  async alterOffsets(props: Props, offsets: readonly SourceOffset[]): Promise<boolean> {
    if (!parseConfig(fileSourceConfig, props).file) {
      throw invalid("Offsets cannot be modified if the 'file' configuration is unspecified: standard input has none");
    }
    for (const { partition, offset } of offsets) {
      if (offset === null) continue;
      if (!Object.hasOwn(offset, "position")) {
        throw invalid("Offset objects should either be null or contain the key 'position'");
      }
      const { position } = offset;
      if (typeof position !== "bigint" && !Number.isInteger(position)) {
        throw invalid("The value for the 'position' key in the offset is expected to be a Long value");
      }
      if (Number(position) < 0) {
        throw invalid("The value for the 'position' key in the offset should be a non-negative value");
      }
      if (!Object.hasOwn(partition, "filename")) {
        throw invalid("Partition objects should contain the key 'filename'");
      }
    }
    return true;
  }

  /** A file's lines have positions to go on from; standard input's have none. */
  async exactlyOnceSupport(props: Props): Promise<Support> {
    return parseConfig(fileSourceConfig, props).file ? "SUPPORTED" : "UNSUPPORTED";
  }

  async stop(): Promise<void> {
    // Nothing to release.
  }
}

function invalid(message: string): DataError {
  return new DataError("OFFSET_INVALID", message);
}
