import { isConnectionKey } from "../../kafka/client-properties.js";
import { workerConfigDef } from "../../worker/worker-config.js";

/** Kafka Connect 4.3.1's keys that affect neither access nor data and do nothing here; some do nothing in Connect. */
export const WITHOUT_EFFECT: ReadonlySet<string> = new Set(
  [
    "client.dns.lookup client.rack connections.max.idle.ms send.buffer.bytes receive.buffer.bytes reconnect.backoff.ms",
    "reconnect.backoff.max.ms socket.connection.setup.timeout.max.ms metadata.recovery.strategy metadata.max.idle.ms",
    "metadata.recovery.rebootstrap.trigger.ms metric.reporters metrics.num.samples metrics.sample.window.ms",
    "metrics.recording.level plugin.discovery worker.unsync.backoff.ms internal.key.converter internal.value.converter",
    "config.storage.partitions config.storage.cleanup.policy offset.storage.cleanup.policy status.storage.cleanup.policy",
    "key.converter.plugin.version value.converter.plugin.version header.converter.plugin.version",
    "ssl.protocol ssl.provider ssl.cipher.suites ssl.keymanager.algorithm ssl.trustmanager.algorithm",
    "ssl.secure.random.implementation ssl.truststore.password",
  ].flatMap((line) => line.split(" ")),
);

/** Prefixes of more such keys. */
const WITHOUT_EFFECT_PREFIXES = [
  "internal.key.converter.",
  "internal.value.converter.",
  "sasl.kerberos.",
  "sasl.login.refresh.",
  "sasl.login.retry.",
];

/** Passed on whole: converters, clients and providers judge the rest of the key. */
const SERVED_PREFIXES = [
  "key.converter.",
  "value.converter.",
  "header.converter.",
  "producer.",
  "consumer.",
  "admin.",
  "config.providers.",
  "config.storage.",
  "offset.storage.",
  "status.storage.",
  "metrics.context.",
  "listeners.https.",
  "admin.listeners.https.",
];

const SERVED: ReadonlySet<string> = new Set(Object.keys(workerConfigDef));

/** The keys that name the internal topics; other keys with these prefixes are the topics' settings. */
const TOPIC_KEYS = ["config.storage.topic", "offset.storage.topic", "status.storage.topic"];

/** The fate of a worker property: read, known but without effect, or unknown. */
export type KeyVerdict = "served" | "without-effect" | "unknown";

/** Keys of a worker's mode. */
type Keys = Readonly<Record<string, unknown>>;

/**
 * Judges one worker property by its key.
 *
 * @param own the keys of the herder's own definition, all served.
 * @param ofAllModes the keys of every mode. Those that are not among `own` do nothing, and neither do settings of the
 *   topics that such keys name.
 */
export function judgeWorkerKey(key: string, own: Keys, ofAllModes: Keys = own): KeyVerdict {
  if (Object.hasOwn(own, key) || SERVED.has(key)) return "served";
  const topic = TOPIC_KEYS.find((name) => key.startsWith(name.slice(0, -"topic".length)));
  for (const name of topic === undefined ? [key] : [key, topic]) {
    if (Object.hasOwn(ofAllModes, name) && !Object.hasOwn(own, name)) return "without-effect";
  }
  if (WITHOUT_EFFECT.has(key) || WITHOUT_EFFECT_PREFIXES.some((prefix) => key.startsWith(prefix)))
    return "without-effect";
  if (isConnectionKey(key) || SERVED_PREFIXES.some((prefix) => key.startsWith(prefix))) return "served";
  return "unknown";
}
