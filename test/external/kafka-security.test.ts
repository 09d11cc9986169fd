import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { KafkaError } from "../../src/protocol/kafka-error.js";
import { kafkaClient } from "../support/kafka-client.js";
import { expectRoundTrip } from "../support/round-trip.js";
import { findPeers, freePort, Peers } from "./peers.js";

const { script, missing } = findPeers();
const STORE_PASSWORD = "store-password";
const PASSWORD = 'a "quoted" pass-word';
const PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required";

/** An Apache Kafka that also listens with TLS (and asks for the client's certificate), SASL, and both. */
describe.skipIf(missing)("secured listeners of Apache Kafka", () => {
  let folder: string;
  let peers: Peers;
  let ports: { readonly ssl: number; readonly saslSsl: number; readonly saslPlaintext: number };
  const clients: KafkaClient[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-security-"));
    for (const owner of ["broker", "client", "stranger"]) makeKey(owner);
    keytool("-importcert", "-noprompt", "-alias", "client", "-file", path("client.pem"), ...store("trusted.p12"));
    const extra = path("broker.properties");
    peers = await Peers.prepare(script, { BROKER_EXTRA: extra });
    ports = { ssl: await freePort(), saslSsl: await freePort(), saslPlaintext: await freePort() };
    writeFileSync(extra, brokerProperties());
    await peers.startKafka();
    for (const hash of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
      await peers.tool("kafka.admin.ConfigCommand", [
        ...["--bootstrap-server", peers.bootstrap, "--alter", "--entity-type", "users", "--entity-name", "ann"],
        ...["--add-config", `${hash}=[password=${PASSWORD}]`],
      ]);
    }
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  afterAll(async () => {
    await peers?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const path = (name: string) => join(folder, name);
  const store = (name: string) => ["-keystore", path(name), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD];
  const keytool = (...args: string[]) => execFileSync("keytool", args, { stdio: "pipe" });
  const makeKey = (owner: string) => {
    const identity = ["-dname", `CN=${owner}`, "-ext", "SAN=ip:127.0.0.1", "-validity", "2", "-keyalg", "EC"];
    keytool("-genkeypair", "-alias", owner, ...identity, ...store(`${owner}.p12`));
    keytool("-exportcert", "-rfc", "-alias", owner, "-file", path(`${owner}.pem`), ...store(`${owner}.p12`));
  };
  const quoted = `"${PASSWORD.replaceAll('"', '\\"')}"`;
  const login = (module: string, password = quoted) => `${module} username="ann" password=${password};`;

  function brokerProperties(): string {
    const plain = Number(peers.bootstrap.split(":")[1]);
    const listeners = [
      `PLAINTEXT://127.0.0.1:${plain}`,
      `SSL://127.0.0.1:${ports.ssl}`,
      `SASL_SSL://127.0.0.1:${ports.saslSsl}`,
      `SASL_PLAINTEXT://127.0.0.1:${ports.saslPlaintext}`,
    ];
    const users = `${PLAIN_LOGIN} user_ann=${quoted};`.replaceAll("\\", "\\\\");
    return [
      `listeners=${[...listeners, `CONTROLLER://127.0.0.1:${plain + 1}`].join(",")}`,
      `advertised.listeners=${listeners.join(",")}`,
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
      `ssl.keystore.location=${path("broker.p12")}`,
      `ssl.truststore.location=${path("trusted.p12")}`,
      ...["ssl.keystore", "ssl.truststore"].map((key) => `${key}.password=${STORE_PASSWORD}\n${key}.type=PKCS12`),
      "listener.name.ssl.ssl.client.auth=required",
      "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
      ...["sasl_ssl", "sasl_plaintext"].flatMap((name) => [
        `listener.name.${name}.plain.sasl.jaas.config=${users}`,
        `listener.name.${name}.scram-sha-256.sasl.jaas.config=${SCRAM_LOGIN};`,
        `listener.name.${name}.scram-sha-512.sasl.jaas.config=${SCRAM_LOGIN};`,
      ]),
      // So short that the client takes every session for one about to end.
      "connections.max.reauth.ms=5000",
    ].join("\n");
  }

  function connect(port: number, properties: Record<string, string>): KafkaClient {
    const client = kafkaClient(`127.0.0.1:${port}`, {
      "auto.offset.reset": "earliest",
      "default.api.timeout.ms": "10000",
      ...properties,
    });
    clients.push(client);
    return client;
  }

  const tls = () => ({
    "ssl.truststore.certificates": readFileSync(path("broker.pem"), "utf8"),
    "ssl.keystore.location": path("client.p12"),
    "ssl.keystore.password": STORE_PASSWORD,
  });
  const listenerOf = (protocol: string, own: Record<string, string>): [number, Record<string, string>] => {
    const port = { SSL: ports.ssl, SASL_SSL: ports.saslSsl }[protocol] ?? ports.saslPlaintext;
    return [port, { "security.protocol": protocol, ...(protocol.endsWith("SSL") && tls()), ...own }];
  };

  test.each([
    ["SSL", "", ""],
    ["SASL_PLAINTEXT", "PLAIN", PLAIN_LOGIN],
    ["SASL_SSL", "PLAIN", PLAIN_LOGIN],
    ["SASL_SSL", "SCRAM-SHA-256", SCRAM_LOGIN],
    ["SASL_PLAINTEXT", "SCRAM-SHA-512", SCRAM_LOGIN],
  ])("%s %s: records go there and come back", async (protocol, mechanism, module) => {
    const sasl = module ? { "sasl.mechanism": mechanism, "sasl.jaas.config": login(module) } : {};
    const client = connect(...listenerOf(protocol, sasl));
    const topic = `secured-${protocol}-${mechanism}`;
    await expectRoundTrip(client, topic);
  });

  test("requests under way when the session is about to end are answered, and a group holds together", async () => {
    const own = { "sasl.mechanism": "SCRAM-SHA-256", "sasl.jaas.config": login(SCRAM_LOGIN) };
    const client = connect(...listenerOf("SASL_PLAINTEXT", { ...own, "heartbeat.interval.ms": "20" }));
    const topic = "secured-group";
    await client.admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1, configs: {} }]);
    const producer = client.producer({}, { acknowledged() {}, failed() {} });
    let lost = 0;
    const group = client.groupConsumer(
      { groupId: "secured", topics: [topic] },
      {
        async onAssigned() {},
        async onRevoked() {},
        async onLost() {
          lost++;
        },
      },
    );
    const read: string[] = [];
    const sent = Array.from({ length: 200 }, (_, at) => String(at));
    for (const value of sent) {
      const record = { topic, partition: Number(value) % 2, key: null, timestampMs: Date.now(), headers: [] };
      await producer.send([{ ...record, value: Buffer.from(value) }]);
      while (read.length <= Number(value)) {
        for (const { records } of await group.poll(10_000)) read.push(...records.map((each) => String(each.value)));
      }
    }
    expect(read).toEqual(sent);
    expect(lost).toBe(0);
    await group.close();
  });

  test.each([
    ["PLAIN", PLAIN_LOGIN],
    ["SCRAM-SHA-512", SCRAM_LOGIN],
  ])("a wrong password for %s is the reason in the error, which does not show it", async (mechanism, module) => {
    const jaas = login(module, '"not-this-one"');
    const client = connect(...listenerOf("SASL_SSL", { "sasl.mechanism": mechanism, "sasl.jaas.config": jaas }));
    const failure = await client.admin.listTopics().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(KafkaError);
    expect(failure).toMatchObject({ codeName: "SASL_AUTHENTICATION_FAILED" });
    expect(String((failure as KafkaError).stack)).not.toContain("not-this-one");
  });

  test("a broker with an untrusted certificate gets no request, and the error names the reason", async () => {
    const own = { "ssl.truststore.certificates": readFileSync(path("stranger.pem"), "utf8") };
    const client = connect(...listenerOf("SSL", own));
    await expect(client.admin.listTopics()).rejects.toThrow(/self-signed certificate/);
  });
});
