import {
  type ConfigDef,
  type ConnectorContext,
  type Props,
  parseConfig,
  type SinkConnector,
} from "../../src/api/index.js";

export const fileSinkConfig = {
  file: {
    type: "string",
    doc: "File to append the values to, one per line. By default standard output.",
    default: null,
    importance: "high",
  },
} as const satisfies ConfigDef;

/** `org.apache.kafka.connect.file.FileStreamSinkConnector`: values as lines of a file; every task appends to it. */
export class FileSinkConnector implements SinkConnector {
  readonly config: ConfigDef = fileSinkConfig;
  #props: Props = {};

  async start(_context: ConnectorContext, props: Props): Promise<void> {
    parseConfig(fileSinkConfig, props);
    this.#props = props;
  }

  async taskConfigs(maxTasks: number): Promise<Record<string, string>[]> {
    return Array.from({ length: maxTasks }, () => ({ ...this.#props }));
  }

  /** The group's offsets are the only ones. */
  async alterOffsets(): Promise<boolean> {
    return true;
  }

  async stop(): Promise<void> {
    // Nothing to release.
  }
}
