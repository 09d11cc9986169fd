import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { describeAcls } from "../../../src/protocol/apis/describe-acls.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { saslAuthenticate } from "../../../src/protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../../src/protocol/apis/sasl-handshake.js";
import { ANY_ACL } from "../../support/any-acl.js";
import { startTestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { keySetOf, tokenSigner } from "../../support/signed-token.js";

const SECONDS = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: "ann", iat: SECONDS, exp: SECONDS + 3600, aud: "kafka" };
const signer = tokenSigner("RS256", "one");

let keys: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-tokens-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  keys = join(folder, "keys.json");
  writeFileSync(keys, keySetOf(signer));
});

async function start(url: string, properties: Record<string, string> = {}, error = silentLogger.error) {
  const broker = await startTestBroker({
    logger: { ...silentLogger, error },
    properties: {
      listeners: "SASL_PLAINTEXT://127.0.0.1:0",
      "sasl.enabled.mechanisms": "OAUTHBEARER",
      "sasl.oauthbearer.jwks.endpoint.url": url,
      "sasl.oauthbearer.expected.audience": "kafka",
      ...properties,
    },
  });
  onTestFinished(() => broker.close());
  return async (token: string) => {
    const client = await BrokerClient.connect(broker.portOf("SASL_PLAINTEXT"));
    onTestFinished(() => client.close());
    await client.request(saslHandshake, 1, { mechanism: "OAUTHBEARER" });
    const say = (text: string) => client.request(saslAuthenticate, 2, { authBytes: Buffer.from(text) });
    return { client, say, first: await say(`n,,\u0001auth=Bearer ${token}\u0001\u0001`) };
  };
}

test("the user of a token is who sends the requests, until the token expires", async () => {
  const login = await start(pathToFileURL(keys).href, {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ann",
    "listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config":
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
    "listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class":
      "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
  });
  const ann = await login(signer.token(CLAIMS));
  expect(ann.first.errorCode).toBe(0);
  expect(ann.first.sessionLifetimeMs).toBeGreaterThan(3_500_000);
  expect(ann.first.sessionLifetimeMs).toBeLessThanOrEqual(3_600_000);
  expect((await ann.client.request(describeAcls, 3, ANY_ACL)).errorCode).toBe(0);
  const bob = await login(signer.token({ ...CLAIMS, sub: "bob" }));
  expect((await bob.client.request(describeAcls, 3, ANY_ACL)).errorCode).toBe(31);
});

test("a token that is not for this broker is refused with the reason", async () => {
  const login = await start(pathToFileURL(keys).href);
  const { client, say, first } = await login(signer.token({ ...CLAIMS, aud: "other" }));
  expect([first.errorCode, String(first.authBytes)]).toEqual([0, '{"status":"invalid_token"}']);
  const { errorCode, errorMessage } = await say("\u0001");
  expect([errorCode, errorMessage]).toEqual([58, expect.stringContaining("it is for another audience")]);
  await client.closed;
});

test("keys that their server replaces are read again, those that cannot be read stay", async () => {
  let answer = { status: 200, body: keySetOf(signer) };
  const server = createServer((_, response) => response.writeHead(answer.status).end(answer.body));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const failed = deferred<string>();
  const error = (text: string, _: unknown, cause?: unknown) => failed.resolve(`${text}: ${(cause as Error).message}`);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const login = await start(url, { "sasl.oauthbearer.jwks.endpoint.refresh.ms": "10" }, error);
  answer = { status: 503, body: "" };
  expect(await failed.promise).toBe(
    `Tokens are checked with the keys that were read before: The keys at ${url} cannot be read: the answer is 503`,
  );
  const { client, first } = await login(signer.token(CLAIMS));
  expect(first.errorCode).toBe(0);
  await client.request(metadata, 9, { topics: [], allowAutoTopicCreation: false });
  const next = tokenSigner("ES256", "two");
  answer = { status: 200, body: keySetOf(next) };
  for (;;) {
    const { first: later } = await login(next.token(CLAIMS));
    if (later.authBytes.length === 0) break;
  }
});

test("a listener beyond this machine that takes tokens in clear is warned of", async () => {
  const warned: unknown[] = [];
  const logger = { ...silentLogger, warn: (text: string, fields?: object) => warned.push([text, fields]) };
  const broker = await startTestBroker({
    logger,
    properties: {
      listeners: "SASL_PLAINTEXT://0.0.0.0:0",
      "advertised.listeners": "SASL_PLAINTEXT://127.0.0.1:1",
      "sasl.enabled.mechanisms": "OAUTHBEARER",
      "sasl.oauthbearer.jwks.endpoint.url": pathToFileURL(keys).href,
    },
  });
  onTestFinished(() => broker.close());
  expect(warned).toContainEqual([
    expect.stringContaining("tokens that are not encrypted"),
    expect.objectContaining({ listener: "SASL_PLAINTEXT", mechanisms: "OAUTHBEARER" }),
  ]);
});

test.each([
  ["without keys", {}, "", /jwks.endpoint.url.*needs the keys/],
  [
    "with keys that are not there",
    {},
    "file:///none/keys.json",
    /jwks.endpoint.url \(listener SASL_PLAINTEXT\): The keys at file:\/\/\/none\/keys.json cannot be read/,
  ],
  [
    "with a skew that is no number",
    { "listener.name.sasl_plaintext.sasl.oauthbearer.clock.skew.seconds": "x" },
    "file:///x",
    /clock.skew.seconds.*Not a number of type INT/,
  ],
])("a listener %s does not start", async (_, properties, url, message) => {
  await expect(start(url, properties as Record<string, string>)).rejects.toThrow(message);
});
