import {
  type ConfigDef,
  type Connector,
  type ConnectorContext,
  nonEmpty,
  type Props,
  parseConfig,
} from "../../src/api/index.js";

export const fileSourceConfig = {
  file: {
    type: "string",
    doc: "File to read lines from, and to follow as it grows. By default standard input.",
    default: null,
    importance: "high",
  },
  topic: { type: "string", doc: "Topic for the lines.", importance: "high", check: nonEmpty },
  "batch.size": { type: "int", doc: "Maximum number of lines in a batch.", default: 2000, importance: "low" },
} as const satisfies ConfigDef;

/** Lines of a file as records, `org.apache.kafka.connect.file.FileStreamSourceConnector`: always one task. */
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
    // Holds nothing.
  }
}
