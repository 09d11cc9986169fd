import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import { type LogFields, silentLogger } from "../../../src/base/logger.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { incrementalAlterConfigs } from "../../../src/protocol/apis/incremental-alter-configs.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";

const TLS = join(import.meta.dirname, "../../support/tls");
const LOCATION = "listener.name.secure.ssl.keystore.location";
const DELETE = 1;

let folder: string;
let file: string;
let broker: TestBroker;
let admin: BrokerClient;
const logged: string[] = [];
const awaited: { readonly text: string; readonly seen: Deferred<void> }[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-certificates-"));
  file = join(folder, "listener.pem");
  copyFileSync(join(TLS, "worker.pem"), file);
  logged.length = 0;
  const record = (message: string, fields?: LogFields) => {
    logged.push(`${message} ${JSON.stringify(fields)}`);
    for (const { text, seen } of awaited) if (message.includes(text)) seen.resolve();
  };
  broker = await startTestBroker({
    logger: { ...silentLogger, info: record, error: record },
    properties: {
      listeners: "PLAINTEXT://127.0.0.1:0,SECURE://127.0.0.1:0",
      "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SSL",
      "ssl.keystore.location": file,
      "millrace.ssl.reload.interval.ms": "5",
    },
  });
  admin = await BrokerClient.connect(broker.portOf("PLAINTEXT"));
});
afterEach(async () => {
  awaited.length = 0;
  admin?.close();
  await broker?.close();
  rmSync(folder, { recursive: true });
});

function logs(text: string): Promise<void> {
  const seen = deferred();
  awaited.push({ text, seen });
  return seen.promise;
}

function open(): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const port = broker.portOf("SECURE");
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The name in the certificate that a new client sees. */
async function served(): Promise<unknown> {
  const socket = await open();
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

async function alter(value: string | null, name = LOCATION, resourceName = "1") {
  const configs = [{ name, configOperation: value === null ? DELETE : 0, value }];
  const resources = [{ resourceType: 4, resourceName, configs }];
  const { responses } = await admin.request(incrementalAlterConfigs, 1, { resources, validateOnly: false });
  const { errorCode, errorMessage } = responses[0]!;
  return errorCode === 0 ? "done" : errorMessage;
}

test("a listener takes another key store while it runs, keeps its clients, and has it after a restart", async () => {
  const early = await open();
  expect(await served()).toBe("worker");
  expect(await alter(join(TLS, "stranger.pem"))).toBe("done");
  expect(await served()).toBe("Stranger");
  const request = { clientSoftwareName: "t", clientSoftwareVersion: "1" };
  const answered = new Promise((resolve) => early.once("data", resolve));
  early.write(Buffer.concat(apiVersions.encodeRequest(3, 1, "t", request)));
  await answered;
  early.destroy();
  await broker.restart();
  admin = await BrokerClient.connect(broker.portOf("PLAINTEXT"));
  expect(await served()).toBe("Stranger");
  expect(await alter(null)).toBe("done");
  expect(await served()).toBe("worker");
});

test("a key store that cannot be used is refused with the reason, and the old one serves on", async () => {
  const [key] = readFileSync(join(TLS, "stranger.pem"), "utf8").split("-----BEGIN CERTIFICATE");
  const [, certificate] = readFileSync(file, "utf8").split("-----BEGIN CERTIFICATE");
  writeFileSync(join(folder, "mixed.pem"), `${key}-----BEGIN CERTIFICATE${certificate}`);
  expect(await alter(join(folder, "none.pem"))).toMatch(/ssl.keystore.location.*none.pem.*cannot be read/);
  expect(await alter(join(folder, "mixed.pem"))).toMatch(/mixed.pem.*key values mismatch/);
  expect(await alter(file, "listener.name.other.ssl.keystore.location")).toMatch(/no listener OTHER with TLS/);
  expect(await alter(file, "ssl.keystore.location")).toBe(
    "These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]",
  );
  expect(await alter(file, LOCATION, "")).toBe(
    `Cannot update these configs at default cluster level, broker id must be specified: [${LOCATION}]`,
  );
  expect(await served()).toBe("worker");
});

test("what clients have set is described, without passwords", async () => {
  expect(await alter(file)).toBe("done");
  expect(await alter("secret", "listener.name.secure.ssl.keystore.password")).toBe("done");
  const resources = [{ resourceType: 4, resourceName: "1", configurationKeys: null }];
  const { results } = await admin.request(describeConfigs, 4, {
    resources,
    includeSynonyms: false,
    includeDocumentation: false,
  });
  const shown = results[0]!.configs.filter(({ name }) => name.startsWith("listener.name."));
  expect(shown.map(({ name, value, isSensitive, configSource }) => [name, value, isSensitive, configSource])).toEqual([
    [LOCATION, file, false, 2],
    ["listener.name.secure.ssl.keystore.password", null, true, 2],
  ]);
});

test("a file that changes is read again; while it cannot be used, the old certificate serves, and the log says why", async () => {
  const failed = logs("keeps the old ones");
  writeFileSync(join(folder, "new.pem"), "not a certificate");
  renameSync(join(folder, "new.pem"), file);
  await failed;
  expect(await served()).toBe("worker");
  const changed = logs("uses its new certificates");
  copyFileSync(join(TLS, "stranger.pem"), join(folder, "new.pem"));
  renameSync(join(folder, "new.pem"), file);
  await changed;
  expect(await served()).toBe("Stranger");
  expect(logged.filter((line) => line.includes("keeps the old ones"))).toEqual([
    expect.stringMatching(/"listener":"SECURE","cause":".*ssl.keystore.location.*listener.pem/),
  ]);
});
