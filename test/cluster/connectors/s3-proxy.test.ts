import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer, get } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { S3_SINK_CONFIG } from "../../../connectors/s3/config/s3-sink-config.js";
import { AwsStoreClient } from "../../../connectors/s3/store/aws-store-client.js";
import { agentsThrough } from "../../../connectors/s3/store/proxy-agent.js";
import { judgeStoreFailure } from "../../../connectors/s3/store/store-failure.js";
import { storeSettings } from "../../../connectors/s3/store/store-settings.js";
import { parseConfig } from "../../../src/api/index.js";
import { silentLogger } from "../../../src/base/logger.js";
import { startTestObjectStore, TEST_CREDENTIALS, type TestObjectStore } from "../../support/object-store.js";
import { SINK_PROPS } from "../../unit/connectors/s3/sink-driver.js";

const TLS = resolve(import.meta.dirname, "../../support/tls");
const pem = (name: string) => readFileSync(join(TLS, `${name}.pem`));
const AUTHORIZATION = `Basic ${Buffer.from("ann:p:w").toString("base64")}`;
const NEVER = new AbortController().signal;

let objects: TestObjectStore;
let proxy: Server;
let proxyUrl: string;
const tunnels: string[] = [];

/** A proxy that only opens tunnels, and only for Ann. */
function startProxy(): Server {
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on("connect", (request, client) => {
    client.on("error", () => undefined);
    if (request.headers["proxy-authorization"] !== AUTHORIZATION)
      return client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    tunnels.push(request.url!);
    const { hostname, port } = new URL(`http://${request.url}`);
    const target = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(client).pipe(target);
    });
    target.on("error", () => client.destroy());
    client.on("close", () => target.destroy());
  });
  return server;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  objects = await startTestObjectStore({ buckets: ["lake"] });
  proxy = startProxy();
  proxyUrl = `http://127.0.0.1:${await listening(proxy)}`;
});
afterAll(async () => {
  await objects?.stop();
  proxy?.closeAllConnections();
  proxy?.close();
});

function clientOf(props: Record<string, string>): AwsStoreClient {
  const values = parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, "store.url": objects.store.endpoint, ...props });
  return new AwsStoreClient(storeSettings(values), silentLogger);
}

const keys = {
  "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
  "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
};

test("requests go through the proxy", async () => {
  const client = clientOf({ ...keys, "s3.proxy.url": proxyUrl, "s3.proxy.user": "ann", "s3.proxy.password": "p:w" });
  await client.headBucket(NEVER);
  client.destroy();
  expect(tunnels).toContain(new URL(objects.store.endpoint).host);
});

test("a proxy that refuses is named, without a secret, and asked again", async () => {
  const client = clientOf({ ...keys, "s3.proxy.url": proxyUrl, "s3.proxy.user": "ann", "s3.proxy.password": "wrong" });
  const failure = judgeStoreFailure(await client.headBucket(NEVER).catch((error: unknown) => error));
  client.destroy();
  expect(failure.kind).toBe("transient");
  expect(failure.cause).toBe(
    `ProxyError: the proxy ${proxyUrl} (s3.proxy.url) answers 407 to CONNECT; set s3.proxy.user and s3.proxy.password`,
  );
});

test("TLS is with the store, not with the proxy", async () => {
  const server = createTlsServer({ cert: pem("worker"), key: pem("worker") }, (_request, response) =>
    response.end("hello"),
  );
  const port = await listening(server);
  const password = parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, "s3.proxy.password": "p:w" })["s3.proxy.password"]!;
  const { httpsAgent } = agentsThrough({ url: proxyUrl, user: "ann", password }, { keepAlive: true });
  const body = await new Promise<string>((done, fail) => {
    get({ host: "localhost", port, agent: httpsAgent, ca: pem("ca") }, (response) =>
      text(response).then(done, fail),
    ).on("error", fail);
  });
  expect(body).toBe("hello");
  expect(tunnels).toContain(`localhost:${port}`);
  httpsAgent.destroy();
  server.closeAllConnections();
  server.close();
});

test("anonymous requests have no signature; keys of the environment are those of the environment alone", async () => {
  const provider = "s3.credentials.provider.class";
  const seen: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    seen.push(headers.authorization);
    response.end();
  });
  const endpoint = `http://127.0.0.1:${await listening(server)}`;
  for (const name of ["AnonymousCredentialsProvider", "EnvironmentVariableCredentialsProvider"]) {
    const client = clientOf({ "store.url": endpoint, [provider]: `software.amazon.awssdk.auth.credentials.${name}` });
    const failed = await client.headBucket(NEVER).then(
      () => "",
      (error: unknown) => judgeStoreFailure(error).kind,
    );
    expect(failed).toBe(name.startsWith("Anonymous") ? "" : "no-credentials");
    client.destroy();
  }
  expect(seen).toEqual([undefined]);
  server.closeAllConnections();
  server.close();
});
