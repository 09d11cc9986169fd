import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../src/api/errors.js";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { connectionConfig, consumerConfig, groupConfig, producerConfig } from "../../../src/kafka/client-properties.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { securityConfig } from "../../../src/kafka/security-config.js";

const SERVERS = { "bootstrap.servers": "a:1" };

test("bootstrap.servers accepts names, addresses and listener prefixes", () => {
  const { bootstrap } = connectionConfig({ "bootstrap.servers": "a:1, 10.0.0.1:9092,[::1]:3,PLAINTEXT://b:4" });
  expect(bootstrap).toEqual([
    { host: "a", port: 1 },
    { host: "10.0.0.1", port: 9092 },
    { host: "::1", port: 3 },
    { host: "b", port: 4 },
  ]);
});

test.each([
  ["a:99999", "the port must be between 1 and 65535"],
  ["a:0", "the port must be between 1 and 65535"],
  ["a", "each server must be HOST:PORT"],
  ["PLAINTEXT://:9092", "each server must be HOST:PORT"],
])("bootstrap.servers=%s is refused: %s", (server, why) => {
  expect(() => connectionConfig({ "bootstrap.servers": server })).toThrow(
    `Invalid value ${server} for configuration bootstrap.servers: ${why}`,
  );
});

test("a producer buffers 16 MiB, or what buffer.memory says", () => {
  expect(producerConfig({}).bufferBytes).toBe(16 * 2 ** 20);
  expect(producerConfig({ "buffer.memory": "33554432" }).bufferBytes).toBe(32 * 2 ** 20);
});

test("Java's own values are accepted unchanged", () => {
  const producer = producerConfig({
    acks: "all",
    "delivery.timeout.ms": "2147483647",
    "batch.size": "16384",
    "linger.ms": "5",
  });
  expect(producer).toMatchObject({
    deliveryTimeoutMs: Number.POSITIVE_INFINITY,
    retries: Number.POSITIVE_INFINITY,
    batchBytes: 16_384,
    lingerMs: 5,
    compression: { codec: "none" },
  });
  expect(consumerConfig({ "auto.offset.reset": "EARLIEST" }).reset).toBe("earliest");
  const strategy =
    "org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor";
  expect(groupConfig({ "partition.assignment.strategy": strategy }).assignors).toEqual(["range"]);
});

test("compression has the level of its codec", () => {
  const levels = { "compression.gzip.level": "1", "compression.lz4.level": "12", "compression.zstd.level": "-7" };
  const compression = (codec: string) => producerConfig({ ...levels, "compression.type": codec }).compression;
  expect(compression("gzip")).toEqual({ codec: "gzip", level: 1 });
  expect(compression("zstd")).toEqual({ codec: "zstd", level: -7 });
  expect(compression("snappy")).toEqual({ codec: "snappy", level: undefined });
  expect(() => compression("lz4")).toThrow(/compression\.lz4\.level: lz4 is written in one level/);
});

test("acks is all by default, and must be all with enable.idempotence=true", () => {
  expect([undefined, "all", "-1", "1", "0"].map((acks) => producerConfig(acks ? { acks } : {}).acks)).toEqual([
    -1, -1, -1, 1, 0,
  ]);
  expect(() => producerConfig({ acks: "1", "enable.idempotence": "true" })).toThrow(/acks: must be all where/);
});

describe("a bad value is refused with its key", () => {
  test.each([
    ["bootstrap.servers", ""],
    ["bootstrap.servers", "nohost"],
    ["bootstrap.servers", "a:99999"],
    ["request.timeout.ms", "soon"],
    ["linger.ms", "-1"],
    ["compression.type", "brotli"],
    ["acks", "2"],
    ["compression.gzip.level", "0"],
    ["compression.gzip.level", "10"],
    ["compression.lz4.level", "18"],
    ["compression.zstd.level", "23"],
    ["transactional.id", "mine"],
    ["partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner"],
    ["auto.offset.reset", "middle"],
    ["isolation.level", "some"],
    ["max.poll.records", "0"],
    ["heartbeat.interval.ms", "60000"],
    ["partition.assignment.strategy", "com.example.Mine"],
    ["partition.assignment.strategy", "org.apache.kafka.clients.consumer.StickyAssignor"],
    ["security.protocol", "TLS"],
    ["ssl.enabled.protocols", "TLSv1.1"],
    ["ssl.engine.factory.class", "com.example.Engine"],
    ["ssl.truststore.location", "/nowhere/ca.pem"],
  ])("%s=%s", (key, value) => {
    const properties = { ...SERVERS, ...(key.startsWith("ssl") && { "security.protocol": "SSL" }), [key]: value };
    const create = () =>
      createKafkaClient({ properties, clock: new SimClock(), random: new SeededRandom(1), logger: silentLogger });
    expect(create).toThrow(ConfigError);
    expect(create).toThrow(expect.objectContaining({ key }));
    expect(create).toThrow(new RegExp(key.replaceAll(".", "\\.")));
  });
});

describe("security", () => {
  const jaas = (login: string) => `org.apache.kafka.common.security.plain.PlainLoginModule required ${login};`;
  const sasl = { "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512" };

  test("credentials are read from the JAAS line, quoted or not", () => {
    const config = securityConfig({ ...sasl, "sasl.jaas.config": jaas('username="me" password="p\\"w;=x"') });
    expect(config.sasl).toEqual({ mechanism: "SCRAM-SHA-512", username: "me", password: 'p"w;=x' });
    expect(config.tls).toEqual({});
    const bare = securityConfig({ ...sasl, "sasl.jaas.config": jaas("username=me password='pw'") });
    expect(bare.sasl).toMatchObject({ username: "me", password: "pw" });
  });

  test.each(["sasl.client.callback.handler.class", "sasl.login.callback.handler.class", "sasl.login.class"])(
    "%s, which would decide who logs in, is refused",
    (key) => {
      const properties = { ...sasl, "sasl.jaas.config": jaas("username=me password=pw") };
      expect(() => securityConfig({ ...properties, [key]: "com.example.Login" })).toThrow(`configuration ${key}:`);
      expect(() => securityConfig({ ...properties, [key]: " " })).not.toThrow();
    },
  );

  test("a message never contains a secret", () => {
    const read = () => securityConfig({ ...sasl, "sasl.jaas.config": jaas('user="me" password="hush"') });
    expect(read).toThrow(/sasl\.jaas\.config: it must hold username=/);
    expect(read).not.toThrow(/hush/);
  });

  test("an empty endpoint identification algorithm accepts any host name", () => {
    const { tls } = securityConfig({ "security.protocol": "ssl", "ssl.endpoint.identification.algorithm": "" });
    expect(tls?.checkServerIdentity?.("other", {} as never)).toBeUndefined();
  });

  test("ssl.enabled.protocols bounds the TLS versions", () => {
    const versions = (enabled: string) => {
      const properties = { "security.protocol": "SSL", "ssl.enabled.protocols": enabled };
      return securityConfig(properties).tls;
    };
    expect(versions("TLSv1.3,TLSv1.2")).toMatchObject({ minVersion: "TLSv1.2", maxVersion: "TLSv1.3" });
    expect(versions("TLSv1.3")).toMatchObject({ minVersion: "TLSv1.3", maxVersion: "TLSv1.3" });
  });

  test("a trust store without a certificate is refused", () => {
    const trust = (text: string) => () =>
      securityConfig({ "security.protocol": "SSL", "ssl.truststore.certificates": text });
    expect(trust("-----BEGIN PRIVATE KEY-----")).toThrow(
      /ssl\.truststore\.certificates: it holds no certificate in PEM/,
    );
    const certificate = readFileSync(join(import.meta.dirname, "../../support/tls/ca.pem"), "latin1");
    expect(trust(certificate.replaceAll("CERTIFICATE", "X509 CERTIFICATE"))).not.toThrow();
  });

  test("key stores and trust stores are those that Java's clients read, their format by their content", () => {
    const folder = join(import.meta.dirname, "../../support/tls");
    const { tls } = securityConfig({
      "security.protocol": "SSL",
      "ssl.truststore.location": join(folder, "trust.jks"),
      "ssl.keystore.location": join(folder, "worker.p12"),
      "ssl.keystore.type": "JKS",
      "ssl.keystore.password": "changeit",
    });
    const certificate = expect.stringContaining("BEGIN CERTIFICATE");
    expect(tls).toMatchObject({
      ca: certificate,
      cert: certificate,
      key: expect.stringContaining("BEGIN PRIVATE KEY"),
    });
    expect(() => createSecureContext(tls ?? {})).not.toThrow();
  });

  test("damaged certificates and keys are refused with the key and the file, before any connection", () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-stores-"));
    const source = (name: string) => readFileSync(join(import.meta.dirname, "../../support/tls", name));
    const damaged = (name: string, at: number) => {
      const bytes = source(name);
      bytes.fill(65, at, at + 8);
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    try {
      // Without a password, a store in JKS has no digest to check.
      const jks = damaged("trust.jks", source("trust.jks").indexOf("X.509") + 9);
      const pem = damaged("ca.pem", source("ca.pem").indexOf("MII"));
      const keys = damaged("worker.pem", source("worker.pem").indexOf("PRIVATE KEY-----") + 30);
      for (const [key, location] of [
        ["ssl.truststore.location", jks],
        ["ssl.truststore.location", pem],
        ["ssl.keystore.location", keys],
      ] as const) {
        expect(() => securityConfig({ "security.protocol": "SSL", [key]: location })).toThrow(
          expect.objectContaining({
            key,
            message: expect.stringContaining(`${location} for configuration ${key}`),
          }) as Error,
        );
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a store that cannot be read is refused with the reason and the way out, without its password", () => {
    const location = join(import.meta.dirname, "../../support/tls/trust-rc2.p12");
    const trust = { "security.protocol": "SSL", "ssl.truststore.location": location };
    const refusal = (password: string) => () => securityConfig({ ...trust, "ssl.truststore.password": password });
    expect(refusal("changeit")).toThrow(
      /ssl\.truststore\.location: .*RC2.*keytool -importkeystore -srckeystore \S*rc2\.p12/,
    );
    expect(refusal("hunter2")).toThrow(/^(?!.*hunter2).*the password is wrong/);
    expect(() => securityConfig({ ...trust, "ssl.truststore.type": "BCFKS" })).toThrow(
      expect.objectContaining({ key: "ssl.truststore.type", code: "CONFIG_UNSUPPORTED" }) as Error,
    );
  });
});
