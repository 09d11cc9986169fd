import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { saslAuthenticate } from "../../src/protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../src/protocol/apis/sasl-handshake.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { keySetOf, tokenSigner } from "../support/signed-token.js";
import { TOKEN_AUDIENCE, TOKEN_ISSUER, tokenCases } from "../support/token-cases.js";
import { findPeers, freePort, Peers } from "./peers.js";

const { script, missing } = findPeers();
const CLASSES = "org.apache.kafka.common.security.oauthbearer";
const ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls";
const rsa = tokenSigner("RS256", "rsa");
const elliptic = tokenSigner("ES256", "ec");

async function isTaken(port: number, token: string): Promise<boolean> {
  const client = await BrokerClient.connect(port);
  try {
    await client.request(saslHandshake, 1, { mechanism: "OAUTHBEARER" });
    const authBytes = Buffer.from(`n,,\u0001auth=Bearer ${token}\u0001\u0001`);
    const { errorCode, authBytes: answer } = await client.request(saslAuthenticate, 2, { authBytes });
    return errorCode === 0 && answer.length === 0;
  } finally {
    client.close();
  }
}

describe.skipIf(missing)("OAUTHBEARER", () => {
  let folder: string;
  let url: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-tokens-"));
    const path = join(folder, "keys.json");
    writeFileSync(path, keySetOf(rsa, elliptic));
    url = pathToFileURL(path).href;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const properties = () => ({
    "sasl.enabled.mechanisms": "OAUTHBEARER",
    "listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config": `${CLASSES}.OAuthBearerLoginModule required;`,
    "listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class": `${CLASSES}.OAuthBearerValidatorCallbackHandler`,
    "sasl.oauthbearer.jwks.endpoint.url": url,
    "sasl.oauthbearer.expected.audience": TOKEN_AUDIENCE,
    "sasl.oauthbearer.expected.issuer": TOKEN_ISSUER,
  });

  test("Apache Kafka takes the tokens that the bundled broker takes, with the same properties", async () => {
    const extra = join(folder, "kafka.properties");
    const options = { BROKER_EXTRA: extra, JAVA_TOOL_OPTIONS: `-D${ALLOWED_URLS}=${url}` };
    const peers = await Peers.prepare(script, options);
    const plain = Number(peers.bootstrap.split(":")[1]);
    const sasl = await freePort();
    const listeners = [`PLAINTEXT://127.0.0.1:${plain}`, `SASL_PLAINTEXT://127.0.0.1:${sasl}`];
    const own = {
      listeners: [...listeners, `CONTROLLER://127.0.0.1:${plain + 1}`].join(),
      "advertised.listeners": listeners.join(),
      "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
    };
    const lines = Object.entries({ ...own, ...properties() }).map(([key, value]) => `${key}=${value}`);
    writeFileSync(extra, lines.join("\n"));
    const broker = await startTestBroker({
      properties: { ...properties(), listeners: "SASL_PLAINTEXT://127.0.0.1:0" },
    });
    try {
      await peers.startKafka();
      const cases = tokenCases(rsa, elliptic, Date.now());
      const expected = Object.fromEntries(cases.map((each) => [each.label, each.isTaken]));
      for (const port of [broker.portOf("SASL_PLAINTEXT"), sasl]) {
        const taken: Record<string, boolean> = {};
        for (const { label, token } of cases) taken[label] = await isTaken(port, token);
        expect(taken).toEqual(expected);
      }
    } finally {
      await peers.stop();
      await broker.close();
    }
  });

  describe("the stock tools on the bundled broker", () => {
    let broker: TestBroker;
    let peers: Peers;
    beforeAll(async () => {
      broker = await startTestBroker({
        properties: {
          ...properties(),
          listeners: "SASL_PLAINTEXT://127.0.0.1:0",
          "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
          "super.users": "User:ann",
        },
      });
      const urls = ["ann", "bob", "late"].map((user) => pathToFileURL(join(folder, `${user}.jwt`)).href);
      peers = await Peers.prepare(script, { JAVA_TOOL_OPTIONS: `-D${ALLOWED_URLS}=${urls.join()}` });
      const now = Math.floor(Date.now() / 1000);
      const claims = { iat: now, exp: now + 3600, aud: TOKEN_AUDIENCE, iss: TOKEN_ISSUER };
      writeFileSync(join(folder, "ann.jwt"), rsa.token({ ...claims, sub: "ann" }));
      writeFileSync(join(folder, "bob.jwt"), elliptic.token({ ...claims, sub: "bob" }));
      writeFileSync(join(folder, "late.jwt"), rsa.token({ ...claims, sub: "ann", aud: "other" }));
      for (const user of ["ann", "bob", "late"]) {
        const lines = [
          "security.protocol=SASL_PLAINTEXT",
          "sasl.mechanism=OAUTHBEARER",
          `sasl.jaas.config=${CLASSES}.OAuthBearerLoginModule required;`,
          `sasl.login.callback.handler.class=${CLASSES}.OAuthBearerLoginCallbackHandler`,
          `sasl.oauthbearer.token.endpoint.url=${pathToFileURL(join(folder, `${user}.jwt`)).href}`,
        ];
        writeFileSync(join(folder, `${user}.properties`), lines.join("\n"));
      }
    });
    afterAll(async () => {
      await peers?.stop();
      await broker?.close();
    });

    test("write and read with a token, and do what its user may", async () => {
      const server = ["--bootstrap-server", `127.0.0.1:${broker.portOf("SASL_PLAINTEXT")}`];
      const as = (user: string) => ["--command-config", join(folder, `${user}.properties`)];
      const topic = ["--create", "--topic", "t", "--partitions", "1"];
      const create = (user: string) =>
        peers.tool("org.apache.kafka.tools.TopicCommand", [...server, ...as(user), ...topic]);
      const says = (text: RegExp) => ({ stdout: expect.stringMatching(text) });
      await expect(create("bob")).rejects.toMatchObject(says(/Authorization failed/));
      await expect(create("late")).rejects.toMatchObject(says(/it is for another audience/));
      await create("ann");
      const produce = [...server, "--topic", "t", ...as("ann")];
      await peers.tool("org.apache.kafka.tools.ConsoleProducer", produce, "one\ntwo\n");
      const consume = [...server, "--topic", "t", "--from-beginning", "--max-messages", "2", ...as("ann")];
      const read = await peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", consume);
      expect(read.trim().split("\n")).toEqual(["one", "two"]);
    });
  });
});
