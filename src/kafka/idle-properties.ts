import type { ClientProperties } from "./client/client-options.js";
import { PropertyReader } from "./client-properties.js";

/** The keys of Java's clients. Others cause a warning. */
const KNOWN_KEYS = new Set(
  [
    "bootstrap.servers client.id client.rack client.dns.lookup security.protocol request.timeout.ms default.api.timeout.ms",
    "retry.backoff.ms retry.backoff.max.ms reconnect.backoff.ms reconnect.backoff.max.ms metadata.max.age.ms metadata.max.idle.ms",
    "metadata.recovery.strategy metadata.recovery.rebootstrap.trigger.ms socket.connection.setup.timeout.ms",
    "socket.connection.setup.timeout.max.ms connections.max.idle.ms send.buffer.bytes receive.buffer.bytes security.providers",
    "metric.reporters metrics.num.samples metrics.sample.window.ms metrics.recording.level enable.metrics.push interceptor.classes",
    "key.serializer value.serializer key.deserializer value.deserializer retries acks batch.size linger.ms compression.type",
    "compression.gzip.level compression.lz4.level compression.zstd.level max.request.size buffer.memory max.block.ms",
    "delivery.timeout.ms enable.idempotence max.in.flight.requests.per.connection partitioner.class partitioner.ignore.keys",
    "partitioner.adaptive.partitioning.enable partitioner.availability.timeout.ms transactional.id transaction.timeout.ms",
    "group.id group.protocol group.instance.id group.remote.assignor session.timeout.ms heartbeat.interval.ms max.poll.interval.ms",
    "max.poll.records auto.offset.reset enable.auto.commit auto.commit.interval.ms isolation.level fetch.min.bytes fetch.max.bytes",
    "fetch.max.wait.ms max.partition.fetch.bytes check.crcs partition.assignment.strategy exclude.internal.topics",
    "allow.auto.create.topics bootstrap.controllers",
  ].flatMap((line) => line.split(" ")),
);
const KNOWN_PREFIXES = ["ssl.", "sasl.", "auto.include.", "metrics."];

/** The settings that have no effect here; `instead` is the behaviour of this client. Logged once per client. */
export function ignoredSettings(properties: ClientProperties): { readonly key: string; readonly instead: string }[] {
  const read = new PropertyReader(properties);
  const ignored: { key: string; instead: string }[] = [];
  const note = (key: string, isSet: boolean, instead: string) => {
    if (isSet) ignored.push({ key, instead });
  };
  const isOn = (key: string) => read.text(key)?.toLowerCase() === "true";
  note("enable.idempotence", isOn("enable.idempotence"), "records are delivered at least once, in order, never lost");
  note("group.instance.id", (read.text("group.instance.id") ?? "") !== "", "membership is dynamic");
  note(
    "group.protocol",
    read.text("group.protocol")?.toLowerCase() === "consumer",
    "the classic group protocol is used",
  );
  note(
    "max.in.flight.requests.per.connection",
    Number(read.text("max.in.flight.requests.per.connection") ?? 1) > 1,
    "one request per broker is in flight",
  );
  note("enable.auto.commit", isOn("enable.auto.commit"), "offsets are committed once their records are done");
  note(
    "exclude.internal.topics",
    read.text("exclude.internal.topics")?.toLowerCase() === "false",
    "patterns leave out internal topics",
  );
  for (const role of ["key.serializer", "value.serializer", "key.deserializer", "value.deserializer"]) {
    note(
      role,
      !/^(.*\.)?(ByteArray(Des|S)erializer)?$/.test(read.text(role) ?? ""),
      "records are bytes; converters write and read them",
    );
  }
  for (const key of ["ssl.cipher.suites", "ssl.protocol", "ssl.provider"]) {
    note(key, !["", "TLS", "TLSv1.3"].includes(read.text(key) ?? ""), "Node's own TLS decides");
  }
  note("interceptor.classes", read.list("interceptor.classes").length > 0, "Java classes cannot be loaded");
  return ignored;
}

/** Keys that no Java client has, most likely misspelt. */
export function unknownKeys(properties: ClientProperties): string[] {
  return Object.keys(properties).filter(
    (key) => !KNOWN_KEYS.has(key) && !KNOWN_PREFIXES.some((prefix) => key.startsWith(prefix)),
  );
}
