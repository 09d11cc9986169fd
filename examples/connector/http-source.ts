import type { ConfigDef, Connector, Props, SourceTask, SourceTaskContext } from "millrace/api";
import { nonEmpty, parseConfig, RetriableError, SourceRecord, STRING } from "millrace/api";

const config = {
  "http.url": { type: "string", doc: "Feed: GET ?after=ID returns [{ id, text }, …].", check: nonEmpty },
  topic: { type: "string", doc: "Topic for the texts.", check: nonEmpty },
  "poll.interval.ms": { type: "int", default: 1000, doc: "Pause when the feed has nothing new." },
} as const satisfies ConfigDef;

/** Reads the texts of an HTTP feed, in order of their ids. */
export class HttpSourceConnector implements Connector {
  readonly config = config;
  #props: Props = {};

  async start(_context: unknown, props: Props): Promise<void> {
    parseConfig(config, props);
    this.#props = props;
  }

  async taskConfigs(): Promise<Record<string, string>[]> {
    return [{ ...this.#props }]; // one feed, one task
  }

  async stop(): Promise<void> {}
}

export class HttpSourceTask implements SourceTask {
  #context!: SourceTaskContext;
  #settings!: ReturnType<typeof parseConfig<typeof config>>;
  #partition!: { url: string };
  #after = 0;

  async start(context: SourceTaskContext, props: Props): Promise<void> {
    this.#context = context;
    this.#settings = parseConfig(config, props);
    this.#partition = { url: this.#settings["http.url"] };
    const [stored] = await context.readOffsets([this.#partition]);
    this.#after = Number(stored?.offset?.["id"] ?? 0);
  }

  async poll(): Promise<SourceRecord[] | null> {
    const { clock, stopping } = this.#context;
    const url = `${this.#partition.url}?after=${this.#after}`;
    const answer = await fetch(url, { signal: stopping }).catch((cause) => {
      throw new RetriableError("PLUGIN_FEED_AWAY", `${url} cannot be read`, { cause });
    });
    if (!answer.ok) throw new RetriableError("PLUGIN_FEED_AWAY", `${url} answers ${answer.status}`);
    const entries = (await answer.json()) as { id: number; text: string }[];
    if (entries.length === 0) await clock.delay(this.#settings["poll.interval.ms"], stopping);
    this.#after = entries.at(-1)?.id ?? this.#after;
    const { topic } = this.#settings;
    return entries.map(
      ({ id, text }) => new SourceRecord(this.#partition, { id }, topic, null, null, null, STRING, text),
    );
  }

  async stop(): Promise<void> {}
}
