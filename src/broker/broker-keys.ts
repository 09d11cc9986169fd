import type { ValueRule } from "./topics/config-keys.js";

/** The type and bounds of a broker property, and its default (null: none). */
export interface BrokerKey extends ValueRule {
  readonly default: string | null;
}

/** Kafka's class of this name is not loaded: its rules are the broker's own. */
const STANDARD_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
const MINUTE = 60_000;

/**
 * The broker's own properties: Kafka's names, and four of ours at the end. `BROKER_KEYS` adds the defaults of topics
 * (`log.…`).
 */
export const OWN_KEYS: Readonly<Record<string, BrokerKey>> = {
  "node.id": { type: "int", default: "1", min: 0 },
  "broker.id": { type: "int", default: "1", min: 0 },
  "broker.rack": { type: "string", default: null },
  listeners: { type: "list", default: "PLAINTEXT://127.0.0.1:9092" },
  "advertised.listeners": { type: "list", default: null },
  "listener.security.protocol.map": {
    type: "list",
    default: "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
  },
  // There are no other brokers: these are taken, and have no effect.
  "inter.broker.listener.name": { type: "string", default: null },
  "security.inter.broker.protocol": { type: "string", default: "PLAINTEXT" },
  "sasl.mechanism.inter.broker.protocol": { type: "string", default: "GSSAPI" },
  "sasl.mechanism.controller.protocol": { type: "string", default: "GSSAPI" },
  "controller.listener.names": { type: "list", default: "" },
  "process.roles": { type: "list", default: "broker,controller" },
  "log.dirs": { type: "string", default: null },
  "log.dir": { type: "string", default: null },
  "authorizer.class.name": { type: "string", default: "", oneOf: ["", STANDARD_AUTHORIZER] },
  "super.users": { type: "string", default: "" },
  "allow.everyone.if.no.acl.found": { type: "boolean", default: "false" },
  "sasl.enabled.mechanisms": {
    type: "list",
    default: "",
    oneOf: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"],
  },
  "sasl.oauthbearer.jwks.endpoint.url": { type: "string", default: null },
  "sasl.oauthbearer.jwks.endpoint.refresh.ms": { type: "long", default: String(60 * MINUTE), min: 1 },
  "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms": { type: "long", default: "100", min: 1 },
  "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": { type: "long", default: "10000", min: 1 },
  "sasl.oauthbearer.expected.audience": { type: "list", default: null },
  "sasl.oauthbearer.expected.issuer": { type: "string", default: null },
  "sasl.oauthbearer.clock.skew.seconds": { type: "int", default: "30", min: 0 },
  "sasl.oauthbearer.sub.claim.name": { type: "string", default: "sub" },
  // Scopes are checked for nothing, as in Kafka.
  "sasl.oauthbearer.scope.claim.name": { type: "string", default: "scope" },
  "sasl.server.max.receive.size": { type: "int", default: "524288", min: 1 },
  "connections.max.reauth.ms": { type: "long", default: "0", min: 0 },
  "connection.failed.authentication.delay.ms": { type: "int", default: "100", min: 0 },
  "ssl.keystore.location": { type: "string", default: null },
  "ssl.keystore.type": { type: "string", default: null },
  "ssl.keystore.password": { type: "password", default: null },
  "ssl.keystore.key": { type: "password", default: null },
  "ssl.keystore.certificate.chain": { type: "password", default: null },
  "ssl.key.password": { type: "password", default: null },
  "ssl.truststore.location": { type: "string", default: null },
  "ssl.truststore.type": { type: "string", default: null },
  "ssl.truststore.password": { type: "password", default: null },
  "ssl.truststore.certificates": { type: "password", default: null },
  "ssl.client.auth": { type: "string", default: "none", oneOf: ["required", "requested", "none"] },
  "ssl.enabled.protocols": { type: "list", default: "TLSv1.2,TLSv1.3", oneOf: ["TLSv1.2", "TLSv1.3"] },
  "ssl.principal.mapping.rules": { type: "string", default: "DEFAULT" },
  "auto.create.topics.enable": { type: "boolean", default: "true" },
  "delete.topic.enable": { type: "boolean", default: "true" },
  "num.partitions": { type: "int", default: "1", min: 1 },
  "default.replication.factor": { type: "int", default: "1", min: 1 },
  "offsets.topic.num.partitions": { type: "int", default: "1", min: 1 },
  "offsets.topic.replication.factor": { type: "short", default: "1", min: 1 },
  "offsets.topic.segment.bytes": { type: "int", default: String(16 * 1024 * 1024), min: 1 },
  "offsets.retention.minutes": { type: "int", default: "10080", min: 1 },
  "offsets.retention.check.interval.ms": { type: "long", default: String(10 * MINUTE), min: 1 },
  "offset.metadata.max.bytes": { type: "int", default: "4096", min: 0 },
  "group.initial.rebalance.delay.ms": { type: "int", default: "0", min: 0 },
  "group.min.session.timeout.ms": { type: "int", default: "6000" },
  "group.max.session.timeout.ms": { type: "int", default: String(30 * MINUTE) },
  "group.max.size": { type: "int", default: "2147483647", min: 1 },
  "group.consumer.session.timeout.ms": { type: "int", default: "45000", min: 1 },
  "group.consumer.heartbeat.interval.ms": { type: "int", default: "5000", min: 1 },
  "group.consumer.min.session.timeout.ms": { type: "int", default: "45000", min: 1 },
  "group.consumer.max.session.timeout.ms": { type: "int", default: "60000", min: 1 },
  "group.consumer.min.heartbeat.interval.ms": { type: "int", default: "5000", min: 1 },
  "group.consumer.max.heartbeat.interval.ms": { type: "int", default: "15000", min: 1 },
  "group.consumer.max.size": { type: "int", default: "2147483647", min: 1 },
  "group.consumer.migration.policy": {
    type: "string",
    default: "bidirectional",
    oneOf: ["disabled", "downgrade", "upgrade", "bidirectional"],
    ignoresCase: true,
  },
  "transaction.max.timeout.ms": { type: "int", default: String(15 * MINUTE) },
  "transactional.id.expiration.ms": { type: "int", default: "604800000", min: 1 },
  "transaction.state.log.num.partitions": { type: "int", default: "1", min: 1 },
  "transaction.state.log.replication.factor": { type: "short", default: "1", min: 1 },
  "transaction.state.log.min.isr": { type: "int", default: "1", min: 1 },
  "transaction.state.log.segment.bytes": { type: "int", default: String(16 * 1024 * 1024), min: 1 },
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": { type: "int", default: "10000", min: 1 },
  "transaction.remove.expired.transaction.cleanup.interval.ms": { type: "int", default: String(60 * MINUTE), min: 1 },
  "producer.id.expiration.ms": { type: "int", default: "86400000", min: 1 },
  "socket.request.max.bytes": { type: "int", default: "104857600", min: 1 },
  // Kafka has no limit by default. Here it also bounds the answers that clients have not taken yet.
  "queued.max.request.bytes": { type: "long", default: String(128 * 1024 * 1024) },
  "max.connections": { type: "int", default: "2147483647", min: 0 },
  "max.connections.per.ip": { type: "int", default: "2147483647", min: 0 },
  "quota.window.num": { type: "int", default: "11", min: 1 },
  "quota.window.size.seconds": { type: "int", default: "1", min: 1 },
  "connections.max.idle.ms": { type: "long", default: String(10 * MINUTE) },
  // Kafka's default is 55 MiB. Clients do as well with smaller answers, and this bounds the memory of a fetch.
  "fetch.max.bytes": { type: "int", default: String(8 * 1024 * 1024), min: 1024 },
  "log.retention.check.interval.ms": { type: "long", default: String(5 * MINUTE), min: 1 },
  "log.retention.minutes": { type: "int", default: null },
  "log.retention.hours": { type: "int", default: "168" },
  "log.roll.hours": { type: "int", default: "168", min: 1 },
  "log.roll.jitter.hours": { type: "int", default: "0", min: 0 },
  "log.flush.scheduler.interval.ms": { type: "long", default: "1000" },
  "log.flush.offset.checkpoint.interval.ms": { type: "int", default: String(MINUTE), min: 0 },
  "log.cleaner.enable": { type: "boolean", default: "true" },
  "log.cleaner.backoff.ms": { type: "long", default: "15000", min: 0 },
  "log.cleaner.dedupe.buffer.size": { type: "long", default: String(32 * 1024 * 1024) },
  "millrace.lenient.replication": { type: "boolean", default: "true" },
  // Below it only producers are refused, so that offsets can be committed and topics deleted.
  "millrace.log.free.bytes.min": { type: "long", default: String(32 * 1024 * 1024), min: 0 },
  // Kafka reads the files again when the property that names them is set again.
  "millrace.ssl.reload.interval.ms": { type: "long", default: "10000", min: 1 },
  "millrace.segment.bytes.min": { type: "int", default: "1048576", min: 1 },
};
