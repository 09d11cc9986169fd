import type { ConfigValues, SubmittedProps } from "../../../src/api/index.js";
import type { CONNECTOR_KEYS } from "./connector-keys.js";

/** The signal topic, and how it is read. */
export interface SignalKafka {
  readonly topic: string;
  /** Of Java's consumer. */
  readonly properties: Readonly<Record<string, string>>;
  readonly pollTimeoutMs: number;
}

const CONSUMER = "signal.consumer.";

const SIGNAL_CHANNELS: readonly string[] = ["source", "kafka", "file"];

export function parseSignalChannels(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ""));
}

/** Why one of the channels is refused; undefined if none is. */
export function signalChannelFault(names: readonly string[]): string | undefined {
  const refused = [...parseSignalChannels(names)].find((name) => !SIGNAL_CHANNELS.includes(name));
  if (refused === undefined) return undefined;
  const why =
    refused === "jmx" ? "there is no JMX without a JVM: use the kafka or the file channel instead" : "it is not known";
  return `Channel '${refused}' cannot be enabled (${why}). Value must be a list of ${SIGNAL_CHANNELS.join(", ")}`;
}

export function signalKafkaOf(config: ConfigValues<typeof CONNECTOR_KEYS>, props: SubmittedProps): SignalKafka {
  const own = Object.entries(props).flatMap(([key, value]) =>
    key.startsWith(CONSUMER) && value != null ? [[key.slice(CONSUMER.length), value] as const] : [],
  );
  const servers = config["signal.kafka.bootstrap.servers"];
  return {
    topic: config["signal.kafka.topic"] ?? `${config["topic.prefix"] ?? ""}-signal`,
    properties: {
      "group.id": config["signal.kafka.groupId"],
      ...(servers !== null && { "bootstrap.servers": servers }),
      "auto.offset.reset": "earliest",
      ...Object.fromEntries(own),
    },
    pollTimeoutMs: config["signal.kafka.poll.timeout.ms"],
  };
}
