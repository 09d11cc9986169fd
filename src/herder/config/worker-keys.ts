import { ConfigError, type Props } from "../../api/index.js";
import { isConnectionKey } from "../../kafka/client-properties.js";
import { workerConfigDef } from "../../worker/worker-config.js";

/**
 * Keys that affect access or clients' view and that are not supported: a worker that ignored them would be more open
 * than its owner believes. Each with its way out. A blank value requests nothing and is accepted.
 */
export const REFUSED: Readonly<Record<string, string>> = {
  "rest.extension.classes": "REST extensions are Java classes; let a proxy in front of REST authenticate its callers",
  "admin.listeners": "the admin endpoints have no listener of their own",
  "access.control.allow.origin": "REST sends no CORS headers; let a proxy in front of it add them",
  "access.control.allow.methods": "REST sends no CORS headers; let a proxy in front of it add them",
  "response.http.headers.config": "REST adds no headers of your own; let a proxy in front of it add them",
};

/** REST's own TLS settings: REST listens with http only. */
const REFUSED_PREFIXES = ["listeners.https.", "admin.listeners."];

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
];

const SERVED: ReadonlySet<string> = new Set(Object.keys(workerConfigDef));

/** The fate of a worker property: read, known but without effect, refused at start, or unknown. */
export type KeyVerdict = "served" | "without-effect" | "refused" | "unknown";

/**
 * Judges one worker property by its key and value.
 *
 * @param own the keys of the herder's own definition, all served.
 */
export function judgeWorkerKey(key: string, value: string, own: Readonly<Record<string, unknown>>): KeyVerdict {
  if (Object.hasOwn(REFUSED, key)) return value.trim() === "" ? "served" : "refused";
  if (REFUSED_PREFIXES.some((prefix) => key.startsWith(prefix))) return "refused";
  if (key === "ssl.client.auth") return value.trim().toLowerCase() === "none" ? "served" : "refused";
  if (Object.hasOwn(own, key) || SERVED.has(key)) return "served";
  if (WITHOUT_EFFECT.has(key) || WITHOUT_EFFECT_PREFIXES.some((prefix) => key.startsWith(prefix)))
    return "without-effect";
  if (isConnectionKey(key) || SERVED_PREFIXES.some((prefix) => key.startsWith(prefix))) return "served";
  return "unknown";
}

/**
 * Refuses worker settings that would be ignored at the owner's risk.
 *
 * @throws ConfigError NOT_BUILT_YET naming every such key, never a value.
 */
export function refuseUnserved(props: Props, own: Readonly<Record<string, unknown>>): void {
  const refused = Object.entries(props).filter(([key, value]) => judgeWorkerKey(key, value, own) === "refused");
  const [first] = refused;
  if (!first) return;
  const reasons = refused.map(
    ([key]) => `${key} (${REFUSED[key] ?? "REST listens with http only; let a proxy in front of it speak TLS"})`,
  );
  throw new ConfigError(first[0], `Worker settings that are not supported: ${reasons.join("; ")}. Remove them.`, {
    code: "NOT_BUILT_YET",
  });
}
