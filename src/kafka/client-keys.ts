import type { ConfigDef, ConfigKey, ConfigType } from "../api/config-def.js";

/** The clients of Java that connectors configure. */
export type JavaClient = "producer" | "consumer" | "admin";

// Each line: key, clients (p, c, a), type, importance, and the default (`=` and the value, `*` for a required key,
// nothing for null).
const TABLE = `
acks p string low =all
allow.auto.create.topics c boolean medium =true
auto.commit.interval.ms c int low =5000
auto.offset.reset c string medium =latest
batch.size p int medium =16384
bootstrap.controllers a list high =
bootstrap.servers pc list high *
bootstrap.servers a list high =
buffer.memory p long high =33554432
check.crcs c boolean low =true
client.dns.lookup pca string medium =use_all_dns_ips
client.id pa string medium =
client.id c string low =
client.rack c string low =
compression.gzip.level p int medium =-1
compression.lz4.level p int medium =9
compression.type p string high =none
compression.zstd.level p int medium =3
config.providers pca list low =
connections.max.idle.ms pc long medium =540000
connections.max.idle.ms a long medium =300000
default.api.timeout.ms ca int medium =60000
delivery.timeout.ms p int medium =120000
enable.auto.commit c boolean medium =true
enable.idempotence p boolean low =true
enable.metrics.push pc boolean low =true
enable.metrics.push a boolean low =false
exclude.internal.topics c boolean medium =true
fetch.max.bytes c int medium =52428800
fetch.max.wait.ms c int low =500
fetch.min.bytes c int high =1
group.id c string high
group.instance.id c string medium
group.protocol c string high =classic
group.remote.assignor c string medium
heartbeat.interval.ms c int high =3000
interceptor.classes pc list low =
internal.throw.on.fetch.stable.offset.unsupported c boolean low =false
isolation.level c string medium =read_uncommitted
key.deserializer c class high *
key.serializer p class high *
linger.ms p long medium =5
max.block.ms p long medium =60000
max.in.flight.requests.per.connection p int low =5
max.partition.fetch.bytes c int high =1048576
max.poll.interval.ms c int medium =300000
max.poll.records c int medium =500
max.request.size p int medium =1048576
metadata.max.age.ms pca long low =300000
metadata.max.idle.ms p long low =300000
metadata.recovery.rebootstrap.trigger.ms pca long low =300000
metadata.recovery.strategy pca string low =rebootstrap
metric.reporters pca list low =org.apache.kafka.common.metrics.JmxReporter
metrics.num.samples pca int low =2
metrics.recording.level pca string low =INFO
metrics.sample.window.ms pca long low =30000
partition.assignment.strategy c list medium =class org.apache.kafka.clients.consumer.RangeAssignor,class org.apache.kafka.clients.consumer.CooperativeStickyAssignor
partitioner.adaptive.partitioning.enable p boolean low =true
partitioner.availability.timeout.ms p long low =0
partitioner.class p class medium
partitioner.ignore.keys p boolean medium =false
receive.buffer.bytes p int medium =32768
receive.buffer.bytes ca int medium =65536
reconnect.backoff.max.ms pca long low =1000
reconnect.backoff.ms pca long low =50
request.timeout.ms pca int medium =30000
retries p int high =2147483647
retries a int low =2147483647
retry.backoff.max.ms pca long low =1000
retry.backoff.ms pca long low =100
sasl.client.callback.handler.class pca class medium
sasl.jaas.config pca password medium
sasl.kerberos.kinit.cmd pca string low =/usr/bin/kinit
sasl.kerberos.min.time.before.relogin pca long low =60000
sasl.kerberos.service.name pca string medium
sasl.kerberos.ticket.renew.jitter pca double low =0.05
sasl.kerberos.ticket.renew.window.factor pca double low =0.8
sasl.login.callback.handler.class pca class medium
sasl.login.class pca class medium
sasl.login.connect.timeout.ms pca int low
sasl.login.read.timeout.ms pca int low
sasl.login.refresh.buffer.seconds pca short low =300
sasl.login.refresh.min.period.seconds pca short low =60
sasl.login.refresh.window.factor pca double low =0.8
sasl.login.refresh.window.jitter pca double low =0.05
sasl.login.retry.backoff.max.ms pca long low =10000
sasl.login.retry.backoff.ms pca long low =100
sasl.mechanism pca string medium =GSSAPI
sasl.oauthbearer.assertion.algorithm pca string medium =RS256
sasl.oauthbearer.assertion.claim.aud pca string medium
sasl.oauthbearer.assertion.claim.exp.seconds pca int low =300
sasl.oauthbearer.assertion.claim.iss pca string medium
sasl.oauthbearer.assertion.claim.jti.include pca boolean medium =false
sasl.oauthbearer.assertion.claim.nbf.seconds pca int low =60
sasl.oauthbearer.assertion.claim.sub pca string medium
sasl.oauthbearer.assertion.file pca string medium
sasl.oauthbearer.assertion.private.key.file pca string medium
sasl.oauthbearer.assertion.private.key.passphrase pca password medium
sasl.oauthbearer.assertion.template.file pca string medium
sasl.oauthbearer.client.credentials.client.id pca string medium
sasl.oauthbearer.client.credentials.client.secret pca password medium
sasl.oauthbearer.clock.skew.seconds pca int low =30
sasl.oauthbearer.expected.audience pca list high =
sasl.oauthbearer.expected.issuer pca string high
sasl.oauthbearer.header.urlencode pca boolean low =false
sasl.oauthbearer.jwks.endpoint.refresh.ms pca long low =3600000
sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms pca long low =10000
sasl.oauthbearer.jwks.endpoint.retry.backoff.ms pca long low =100
sasl.oauthbearer.jwks.endpoint.url pca string medium
sasl.oauthbearer.jwt.retriever.class pca class medium =org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever
sasl.oauthbearer.jwt.validator.class pca class medium =org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator
sasl.oauthbearer.scope pca string medium
sasl.oauthbearer.scope.claim.name pca string low =scope
sasl.oauthbearer.sub.claim.name pca string low =sub
sasl.oauthbearer.token.endpoint.url pca string medium
security.protocol pca string medium =PLAINTEXT
security.providers pca string low
send.buffer.bytes pca int medium =131072
session.timeout.ms c int high =45000
share.acknowledgement.mode c string medium =implicit
share.acquire.mode c string medium =BATCH_OPTIMIZED
socket.connection.setup.timeout.max.ms pca long medium =30000
socket.connection.setup.timeout.ms pca long medium =10000
ssl.cipher.suites pca list low =
ssl.enabled.protocols pca list medium =TLSv1.2,TLSv1.3
ssl.endpoint.identification.algorithm pca string low =https
ssl.engine.factory.class pca class low
ssl.key.password pca password high
ssl.keymanager.algorithm pca string low =SunX509
ssl.keystore.certificate.chain pca password high
ssl.keystore.key pca password high
ssl.keystore.location pca string high
ssl.keystore.password pca password high
ssl.keystore.type pca string medium =JKS
ssl.protocol pca string medium =TLSv1.3
ssl.provider pca string medium
ssl.secure.random.implementation pca string low
ssl.trustmanager.algorithm pca string low =PKIX
ssl.truststore.certificates pca password high
ssl.truststore.location pca string high
ssl.truststore.password pca password high
ssl.truststore.type pca string medium =JKS
transaction.timeout.ms p int low =60000
transaction.two.phase.commit.enable p boolean low =false
transactional.id p string low
value.deserializer c class high *
value.serializer p class high *
`;

/**
 * The keys of a client of Kafka 4.3.1 for Java as its ConfigDef defines them, without checks and documentation: for
 * answers about client overrides. What our own clients make of the keys is in client-properties.
 */
export function clientKeys(client: JavaClient): ConfigDef {
  const known = parsed.get(client) ?? parseTable(client);
  parsed.set(client, known);
  return known;
}

/** Each validation of a connector asks. */
const parsed = new Map<JavaClient, ConfigDef>();

function parseTable(client: JavaClient): ConfigDef {
  const keys: Record<string, ConfigKey> = {};
  for (const line of TABLE.trim().split("\n")) {
    const [name, clients, type, importance, ...rest] = line.split(" ") as [string, string, ConfigType, string];
    if (!clients.includes(client[0]!)) continue;
    const fallback = (rest as string[]).join(" ");
    keys[name] = {
      type,
      doc: "",
      importance: importance as "high" | "medium" | "low",
      ...(fallback !== "*" && { default: defaultOf(type, fallback) }),
    };
  }
  return keys;
}

function defaultOf(type: ConfigType, text: string): NonNullable<ConfigKey["default"]> | null {
  if (text === "") return null;
  const value = text.slice(1);
  switch (type) {
    case "boolean":
      return value === "true";
    case "list":
      return value === "" ? [] : value.split(",");
    case "string":
    case "class":
    case "password":
      return value;
    default:
      return Number(value);
  }
}
