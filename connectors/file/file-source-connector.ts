import {
  allOf,
  type ConfigCheck,
  type ConfigDef,
  type Connector,
  type ConnectorContext,
  invalidValue,
  nonEmpty,
  type Props,
  parseConfig,
} from "../../src/api/index.js";

/** Kafka's rule for topic names. Unchecked, a bad name would fail the task only at its first record. */
const topicName: ConfigCheck = (key, value) =>
  typeof value !== "string" || /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/.test(value)
    ? undefined
    : invalidValue(
        key,
        value,
        "A topic name has at most 249 characters, only ASCII letters, digits, '.', '_' and '-', and is not '.' or '..'",
      );

export const fileSourceConfig = {
  file: {
    type: "string",
    doc: "File to read lines from, and to follow as it grows. By default standard input.",
    default: null,
    importance: "high",
  },
  topic: { type: "string", doc: "Topic for the lines.", importance: "high", check: allOf(nonEmpty, topicName) },
  "batch.size": { type: "int", doc: "Maximum number of lines in a batch.", default: 2000, importance: "low" },
} as const satisfies ConfigDef;

/** `org.apache.kafka.connect.file.FileStreamSourceConnector`: lines of a file as records, always by one task. */
export class FileSourceConnector implements Connector {
  readonly config: ConfigDef = fileSourceConfig;
  #props: Props = {};

  async start(_context: ConnectorContext, props: Props): Promise<void> {
    parseConfig(fileSourceConfig, props);
    this.#props = props;
  }

  async taskConfigs(): Promise<Record<string, string>[]> {
    return [{ ...this.#props }];
  }

  async stop(): Promise<void> {
    // Nothing to release.
  }
}
