import { describe, expect, test } from "vitest";
import { distributedConfigDef, idleWorkerKeys } from "../../../../src/herder/config/distributed-config.js";
import { standaloneConfigDef } from "../../../../src/herder/config/standalone-config.js";
import { judgeWorkerKey } from "../../../../src/herder/config/worker-keys.js";

const judge = (key: string) => judgeWorkerKey(key, distributedConfigDef);

// DistributedConfig, WorkerConfig and RestServerConfig of Kafka Connect 4.3.1, with the client keys that they define.
const SERVED =
  `bootstrap.servers client.id key.converter value.converter header.converter task.shutdown.graceful.timeout.ms
offset.flush.interval.ms offset.flush.timeout.ms plugin.path config.providers connector.client.config.override.policy
connector.client.config.override.allowlist topic.creation.enable topic.tracking.enable topic.tracking.allow.reset listeners
rest.advertised.host.name rest.advertised.port rest.advertised.listener group.id config.storage.topic offset.storage.topic
status.storage.topic config.storage.replication.factor offset.storage.replication.factor status.storage.replication.factor
offset.storage.partitions status.storage.partitions session.timeout.ms heartbeat.interval.ms rebalance.timeout.ms
connect.protocol scheduled.rebalance.max.delay.ms worker.sync.timeout.ms exactly.once.source.support
inter.worker.key.generation.algorithm inter.worker.key.size inter.worker.key.ttl.ms inter.worker.signature.algorithm
inter.worker.verification.algorithms metadata.max.age.ms socket.connection.setup.timeout.ms retry.backoff.ms
retry.backoff.max.ms request.timeout.ms security.protocol sasl.mechanism sasl.jaas.config ssl.truststore.location
ssl.truststore.type ssl.truststore.certificates ssl.keystore.location ssl.keystore.type ssl.keystore.password
ssl.keystore.key ssl.keystore.certificate.chain ssl.key.password ssl.endpoint.identification.algorithm
ssl.enabled.protocols producer.acks consumer.fetch.min.bytes admin.retries key.converter.schemas.enable
rest.extension.classes admin.listeners admin.listeners.https.ssl.keystore.location access.control.allow.origin
access.control.allow.methods response.http.headers.config listeners.https.ssl.keystore.password ssl.client.auth
config.providers.file.class offset.storage.retention.bytes task.hosts task.isolation`.split(/\s+/);

const WITHOUT_EFFECT = `client.dns.lookup plugin.discovery metrics.sample.window.ms metrics.num.samples
metrics.recording.level metric.reporters worker.unsync.backoff.ms send.buffer.bytes receive.buffer.bytes
reconnect.backoff.ms reconnect.backoff.max.ms socket.connection.setup.timeout.max.ms connections.max.idle.ms
metadata.recovery.strategy metadata.recovery.rebootstrap.trigger.ms config.storage.partitions
status.storage.cleanup.policy internal.key.converter internal.value.converter.schemas.enable
key.converter.plugin.version value.converter.plugin.version header.converter.plugin.version ssl.protocol ssl.provider
ssl.cipher.suites ssl.keymanager.algorithm ssl.trustmanager.algorithm ssl.secure.random.implementation
ssl.truststore.password sasl.kerberos.service.name sasl.login.refresh.window.factor`.split(/\s+/);

describe("worker properties", () => {
  test.each(SERVED)("%s is served", (key) => expect(judge(key)).toBe("served"));
  test.each(WITHOUT_EFFECT)("%s has no effect", (key) => expect(judge(key)).toBe("without-effect"));
  test.each(["sesion.timeout.ms", "rest.port", "constructor", "listener"])("%s is unknown", (key) =>
    expect(judge(key)).toBe("unknown"),
  );

  test("of the group, its topics and exactly-once delivery have no effect on a standalone worker", () => {
    const props = {
      "group.id": "g",
      "config.storage.topic": "c",
      "status.storage.partitions": "3",
      "offset.storage.retention.bytes": "1",
      "exactly.once.source.support": "enabled",
      "offset.storage.file.filename": "f",
      "offset.flush.interval.ms": "1",
      "bootstrap.servers": "a:1",
      "sesion.timeout.ms": "1",
    };
    expect(idleWorkerKeys(props, standaloneConfigDef)).toEqual({
      withoutEffect: Object.keys(props).slice(0, 5),
      unknown: ["sesion.timeout.ms"],
    });
    expect(idleWorkerKeys(props, distributedConfigDef).withoutEffect).toEqual(["offset.storage.file.filename"]);
    expect(idleWorkerKeys(props, distributedConfigDef).unknown).toEqual(["sesion.timeout.ms"]);
  });
});
