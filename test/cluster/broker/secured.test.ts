import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type LogFields, type Logger, silentLogger } from "../../../src/base/logger.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { saslAuthenticate } from "../../../src/protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../../src/protocol/apis/sasl-handshake.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { kafkaClient } from "../../support/kafka-client.js";
import { expectRoundTrip } from "../../support/round-trip.js";

const TLS = join(import.meta.dirname, "../../support/tls");
const PASSWORD = "ann's secret";
const STORE_PASSWORD = "changeit";
const PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required";

const logged: string[] = [];
let broker: TestBroker;
const clients: { close(): unknown }[] = [];

beforeAll(async () => {
  broker = await startTestBroker({
    logger: recordingLogger(),
    scramUsers: [{ name: "ann", mechanism: "SCRAM-SHA-256", password: PASSWORD, iterations: 4096 }],
    properties: {
      listeners: ["PLAINTEXT", "TLS", "MUTUAL", "SASL_SSL", "SASL_PLAINTEXT"]
        .map((each) => `${each}://127.0.0.1:0`)
        .join(),
      "listener.security.protocol.map":
        "PLAINTEXT:PLAINTEXT,TLS:SSL,MUTUAL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
      "ssl.keystore.location": join(TLS, "worker.p12"),
      "ssl.keystore.password": STORE_PASSWORD,
      "listener.name.tls.ssl.keystore.location": join(TLS, "worker.pem"),
      "ssl.truststore.location": join(TLS, "ca.pem"),
      "listener.name.mutual.ssl.client.auth": "required",
      "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
      "listener.name.sasl_ssl.plain.sasl.jaas.config": `${PLAIN_LOGIN} user_ann="${PASSWORD}";`,
      "listener.name.sasl_plaintext.plain.sasl.jaas.config": `${PLAIN_LOGIN} user_ann="${PASSWORD}" user_bob="b";`,
      "listener.name.sasl_plaintext.plain.connections.max.reauth.ms": "3600000",
    },
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(() => broker?.close());

function recordingLogger(): Logger {
  const record = (message: string, fields?: LogFields, cause?: unknown) => {
    logged.push(`${message} ${JSON.stringify(fields)} ${String(cause)}`);
  };
  return { ...silentLogger, info: record, warn: record, error: record, debug: record };
}

function connect(listener: string, properties: Record<string, string>): KafkaClient {
  const client = kafkaClient(`127.0.0.1:${broker.portOf(listener)}`, {
    "auto.offset.reset": "earliest",
    "default.api.timeout.ms": "5000",
    ...properties,
  });
  clients.push(client);
  return client;
}

async function bare(listener: string): Promise<BrokerClient> {
  const client = await BrokerClient.connect(broker.portOf(listener));
  clients.push(client);
  return client;
}

const trust = { "ssl.truststore.location": join(TLS, "ca.pem") };
const login = (mechanism: string, password = PASSWORD) => ({
  "sasl.mechanism": mechanism,
  "sasl.jaas.config": `${mechanism === "PLAIN" ? PLAIN_LOGIN : SCRAM_LOGIN} username="ann" password="${password}";`,
});
const certificate = (file: string) => ({ "ssl.keystore.location": join(TLS, file) });

test.each<[string, string, Record<string, string>]>([
  ["PLAINTEXT", "PLAINTEXT", {}],
  ["TLS", "SSL", trust],
  ["MUTUAL", "SSL", { ...trust, ...certificate("worker.pem") }],
  ["SASL_SSL", "SASL_SSL", { ...trust, ...login("PLAIN") }],
  ["SASL_SSL", "SASL_SSL", { ...trust, ...login("SCRAM-SHA-256") }],
  ["SASL_PLAINTEXT", "SASL_PLAINTEXT", login("SCRAM-SHA-256")],
])("%s: records go there and come back", async (listener, protocol, properties) => {
  const client = connect(listener, { "security.protocol": protocol, ...properties });
  const topic = `secured-${listener}-${properties["sasl.mechanism"] ?? "none"}`;
  await expectRoundTrip(client, topic);
});

test.each<[string, string, Record<string, string>, RegExp]>([
  ["MUTUAL", "without a certificate", { "security.protocol": "SSL", ...trust }, /./],
  [
    "MUTUAL",
    "with a stranger's certificate",
    { "security.protocol": "SSL", ...trust, ...certificate("stranger.pem") },
    /./,
  ],
  ["TLS", "without TLS", {}, /./],
  ["SASL_PLAINTEXT", "without SASL", {}, /./],
  [
    "SASL_SSL",
    "with a wrong password",
    { "security.protocol": "SASL_SSL", ...trust, ...login("PLAIN", "no") },
    /58|SASL_AUTH/,
  ],
  [
    "SASL_SSL",
    "with a wrong proof",
    { "security.protocol": "SASL_SSL", ...trust, ...login("SCRAM-SHA-256", "no") },
    /58|SASL_AUTH/,
  ],
])("%s: a client %s is kept out", async (listener, _, properties, message) => {
  const client = connect(listener, { ...properties, "default.api.timeout.ms": "1500", "request.timeout.ms": "1000" });
  await expect(client.admin.listTopics()).rejects.toThrow(message);
});

test("a request before the authentication closes the connection, one for versions does not", async () => {
  const client = await bare("SASL_PLAINTEXT");
  const { apiKeys } = await client.request(apiVersions, 0, {});
  expect(apiKeys).toContainEqual({ apiKey: 36, minVersion: 0, maxVersion: 2 });
  await expect(client.request(metadata, 1, { topics: null })).rejects.toThrow(/closed/);
});

test("a large frame before the authentication closes the connection", async () => {
  const client = await bare("SASL_PLAINTEXT");
  const head = Buffer.alloc(8);
  head.writeInt32BE(600_000, 0);
  head.writeInt16BE(saslAuthenticate.key, 4);
  client.write(head);
  await client.closed;
});

test("an unknown mechanism is answered with those that there are, and then the connection is closed", async () => {
  const client = await bare("SASL_PLAINTEXT");
  expect(await client.request(saslHandshake, 1, { mechanism: "GSSAPI" })).toEqual({
    errorCode: ErrorCodes.UNSUPPORTED_SASL_MECHANISM,
    mechanisms: ["PLAIN", "SCRAM-SHA-256"],
  });
  await client.closed;
});

test("on a listener without SASL there is nothing to shake hands on", async () => {
  const client = await bare("PLAINTEXT");
  const answer = { errorCode: ErrorCodes.ILLEGAL_SASL_STATE, mechanisms: [] };
  expect(await client.request(saslHandshake, 1, { mechanism: "PLAIN" })).toEqual(answer);
});

const token = (user: string, password: string) => ({ authBytes: Buffer.from(`\0${user}\0${password}`) });

test("a wrong password is answered, and the connection closed; nobody learns of the password", async () => {
  const client = await bare("SASL_PLAINTEXT");
  await client.request(saslHandshake, 1, { mechanism: "PLAIN" });
  expect(await client.request(saslAuthenticate, 2, token("ann", "wrong-one"))).toMatchObject({
    errorCode: ErrorCodes.SASL_AUTHENTICATION_FAILED,
    errorMessage: "Authentication failed: Invalid username or password",
  });
  await client.closed;
  expect(logged.some((line) => line.startsWith("A client failed to authenticate"))).toBe(true);
  expect(logged.join("\n")).not.toMatch(new RegExp(`wrong-one|${PASSWORD}|${STORE_PASSWORD}`));
});

test("a client may authenticate again, as nobody else", async () => {
  const client = await bare("SASL_PLAINTEXT");
  for (const _ of [1, 2]) {
    await client.request(saslHandshake, 1, { mechanism: "PLAIN" });
    const answer = await client.request(saslAuthenticate, 2, token("ann", PASSWORD));
    expect(answer).toMatchObject({ errorCode: 0, sessionLifetimeMs: 3_600_000 });
  }
  expect((await client.request(metadata, 1, { topics: [] })).brokers).toHaveLength(1);
  await client.request(saslHandshake, 1, { mechanism: "PLAIN" });
  expect(await client.request(saslAuthenticate, 2, token("bob", "b"))).toMatchObject({
    errorCode: ErrorCodes.SASL_AUTHENTICATION_FAILED,
  });
  await client.closed;
});

test("a client whose certificate is not trusted is logged with the reason", async () => {
  const client = connect("MUTUAL", { "security.protocol": "SSL", ...trust, ...certificate("stranger.pem") });
  await expect(client.admin.listTopics()).rejects.toThrow();
  expect(logged.filter((line) => line.includes("certificate is not trusted")).join("\n")).toMatch(
    /not trusted: (SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+)/,
  );
});

test("old clients send their tokens bare", async () => {
  const client = await bare("SASL_PLAINTEXT");
  await client.request(saslHandshake, 0, { mechanism: "PLAIN" });
  // The reply of size 0 has no correlation id: the client here would not understand it.
  const bytes = token("ann", PASSWORD).authBytes;
  const answer = await client.bareExchange(Buffer.concat([sizeOf(bytes), bytes]));
  expect(answer).toEqual(Buffer.alloc(0));
  expect((await client.request(metadata, 1, { topics: [] })).brokers).toHaveLength(1);
});

test("the salt of a user that does not exist stays the same over a restart, as that of one who does", async () => {
  const saltOf = async (user: string) => {
    const client = await bare("SASL_PLAINTEXT");
    await client.request(saslHandshake, 1, { mechanism: "SCRAM-SHA-256" });
    const { authBytes } = await client.request(saslAuthenticate, 2, { authBytes: Buffer.from(`n,,n=${user},r=x`) });
    return /,s=([^,]+),/.exec(authBytes.toString())![1];
  };
  const before = [await saltOf("ann"), await saltOf("nobody")];
  await broker.restart("clean");
  expect([await saltOf("ann"), await saltOf("nobody")]).toEqual(before);
});

function sizeOf(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return size;
}

test("secrets are described by their names alone", async () => {
  const client = await bare("PLAINTEXT");
  const resources = [{ resourceType: 4, resourceName: "1", configurationKeys: null }];
  const { results } = await client.request(describeConfigs, 4, { resources, includeSynonyms: true });
  const secret = results[0]!.configs.find(({ name }) => name === "ssl.keystore.password")!;
  expect(secret).toMatchObject({ value: null, isSensitive: true, configType: 9 });
  expect(JSON.stringify(results)).not.toMatch(new RegExp(`${PASSWORD}|${STORE_PASSWORD}`));
});

test("no password is in the broker's files", () => {
  const files = readFileSync(join(broker.dataDir, "broker-metadata"), "latin1");
  expect(files).toContain("ann");
  expect(files).not.toMatch(new RegExp(`${PASSWORD}|${STORE_PASSWORD}`));
});
