import type { ConfigDef, Connector, SinkRecord, SinkTask, SinkTaskContext, TopicPartitionOffset } from "millrace/api";
import { nonEmpty, type Props, parseConfig, RetriableError } from "millrace/api";

const config = {
  "http.url": { type: "string", doc: "Gets each batch as a POST, a JSON array of texts.", check: nonEmpty },
} as const satisfies ConfigDef;

/** Posts values as texts to an HTTP endpoint. */
export class HttpSinkConnector implements Connector {
  readonly config = config;
  #props: Props = {};

  async start(_context: unknown, props: Props): Promise<void> {
    parseConfig(config, props);
    this.#props = props;
  }

  async taskConfigs(maxTasks: number): Promise<Record<string, string>[]> {
    return Array.from({ length: maxTasks }, () => ({ ...this.#props })); // the worker spreads the partitions
  }

  async stop(): Promise<void> {}
}

export class HttpSinkTask implements SinkTask {
  #context!: SinkTaskContext;
  #url = "";

  async start(context: SinkTaskContext, props: Props): Promise<void> {
    this.#context = context;
    this.#url = parseConfig(config, props)["http.url"];
  }

  async open(): Promise<void> {}

  /** Returns once the batch is at its destination; after a RetriableError the worker delivers it again. */
  async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) return;
    const body = JSON.stringify(records.map(({ value }) => String(value)));
    const request = { method: "POST", body, signal: this.#context.stopping };
    const answer = await fetch(this.#url, request).catch((cause) => {
      throw new RetriableError("PLUGIN_ENDPOINT_AWAY", `${this.#url} cannot be reached`, { cause });
    });
    if (!answer.ok) throw new RetriableError("PLUGIN_ENDPOINT_AWAY", `${this.#url} answers ${answer.status}`);
  }

  async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    return current; // `put` has delivered everything before these offsets
  }

  async close(): Promise<void> {}

  async stop(): Promise<void> {}
}
