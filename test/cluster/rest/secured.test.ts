import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunningWorker } from "../../../src/app/stack-worker.js";
import { SystemClock } from "../../../src/base/clock.js";
import { SystemHttpClient } from "../../../src/base/http-client.js";
import { LogLines } from "../../support/log-lines.js";
import { TestStack } from "../../support/stack.js";

const TLS = resolve(import.meta.dirname, "../../support/tls");
const pem = (name: string) => readFileSync(join(TLS, `${name}.pem`));
const TRUST: ConnectionOptions = { ca: pem("ca") };
const WORKER: ConnectionOptions = { ...TRUST, cert: pem("worker"), key: pem("worker") };
const STRANGER: ConnectionOptions = { ...TRUST, cert: pem("stranger"), key: pem("stranger") };

const ANN = `Basic ${Buffer.from("ann:p:w").toString("base64")}`;
const BASIC_AUTH = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const FILE_MODULE = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";

/** Key store in PKCS12, trust store in PEM. */
const MUTUAL_TLS = {
  "listeners.https.ssl.keystore.type": "PKCS12",
  "listeners.https.ssl.keystore.location": join(TLS, "worker.p12"),
  "listeners.https.ssl.keystore.password": "changeit",
  "listeners.https.ssl.truststore.type": "PEM",
  "listeners.https.ssl.truststore.location": join(TLS, "ca.pem"),
  "listeners.https.ssl.client.auth": "required",
};

async function ask(
  url: string,
  tls: ConnectionOptions,
  { method = "GET", headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const answer = await new SystemHttpClient(new SystemClock(), () => tls).send({
    url: new URL(url),
    method,
    headers: { ...headers, ...(text && { "Content-Type": "application/json" }) },
    body: text,
    timeoutMs: 60_000,
  });
  const content = answer.body.toString();
  return { status: answer.status, body: content === "" ? "" : JSON.parse(content) };
}

/** The files of basic auth in the stack's folder, with one user. */
function jaasFile(folder: string, module = FILE_MODULE): string {
  writeFileSync(join(folder, "users.properties"), "ann=p:w\n");
  writeFileSync(
    join(folder, "jaas.conf"),
    `KafkaConnect { ${module} required file="${join(folder, "users.properties")}"; };`,
  );
  return join(folder, "jaas.conf");
}

describe("two workers with mutual TLS and basic auth", () => {
  let stack: TestStack;
  let workers: RunningWorker[];
  const ann = { headers: { Authorization: ANN } };

  beforeAll(async () => {
    stack = await TestStack.start({ props: { "scheduled.rebalance.max.delay.ms": "0" } });
    await stack.worker.close();
    const props = {
      ...MUTUAL_TLS,
      listeners: "https://127.0.0.1:0",
      "group.id": "secured",
      "rest.extension.classes": BASIC_AUTH,
      "java.security.auth.login.config": jaasFile(stack.folder),
    };
    workers = [await stack.startAnotherWorker(props), await stack.startAnotherWorker(props)];
  });
  afterAll(() => stack.close());

  test("forward requests, with their user, and publish task configs", async () => {
    for (const [at, { restUrl }] of workers.entries()) {
      expect(restUrl).toMatch(/^https:/);
      const name = `by-${at}`;
      const config = { "connector.class": "FileStreamSource", file: join(stack.folder, name), topic: name };
      const created = await ask(`${restUrl}/connectors`, WORKER, { ...ann, method: "POST", body: { name, config } });
      expect(created).toMatchObject({ status: 201, body: { name } });
      await stack.statuses.running(name);
    }
  });

  test("refuse clients without a trusted certificate, and requests without a user", async () => {
    const url = `${workers[0]!.restUrl}/connectors`;
    await expect(ask(url, TRUST, ann)).rejects.toThrow();
    await expect(ask(url, STRANGER, ann)).rejects.toThrow();
    await expect(ask(url, {}, ann)).rejects.toThrow(/certificate/);
    expect((await ask(url, WORKER)).status).toBe(401);
    expect((await ask(url, WORKER, ann)).status).toBe(200);
  });
});

test("a worker with http and one with https forward each other's requests, and publish task configs", async () => {
  const stack = await TestStack.start({ props: { "scheduled.rebalance.max.delay.ms": "0" } });
  try {
    await stack.worker.close();
    const props = { ...MUTUAL_TLS, "group.id": "mixed" };
    const start = (scheme: string) => stack.startAnotherWorker({ ...props, listeners: `${scheme}://127.0.0.1:0` });
    const workers = [await start("http"), await start("https")];
    expect(workers.map(({ restUrl }) => new URL(restUrl).protocol)).toEqual(["http:", "https:"]);
    // One of them leads, and each gets work of its own.
    for (const [at, { restUrl }] of [...workers, ...workers].entries()) {
      const name = `by-${at}`;
      const config = { "connector.class": "FileStreamSource", file: join(stack.folder, name), topic: name };
      const created = await ask(`${restUrl}/connectors`, WORKER, { method: "POST", body: { name, config } });
      expect(created).toMatchObject({ status: 201, body: { name } });
      await stack.statuses.running(name);
    }
    for (const [at, { restUrl }] of workers.entries()) {
      expect((await ask(`${restUrl}/connectors/by-${at}/pause`, WORKER, { method: "PUT" })).status).toBe(202);
      expect((await ask(`${restUrl}/connectors/by-${2 + at}`, WORKER, { method: "DELETE" })).status).toBe(204);
    }
  } finally {
    await stack.close();
  }
});

describe("one worker", () => {
  let stack: TestStack;
  const started = async (props: Record<string, string>, lines = new LogLines()) =>
    stack.startAnotherWorker({ "group.id": "lone", ...props }, lines.logger("worker"));

  beforeAll(async () => {
    stack = await TestStack.start();
  });
  afterAll(() => stack.close());

  test("listens with http and https, and may ask for certificates without requiring them", async () => {
    const port = await freePort();
    const worker = await started({
      ...MUTUAL_TLS,
      listeners: `https://127.0.0.1:${port},http://127.0.0.1:0`,
      "listeners.https.ssl.client.auth": "requested",
    });
    expect(worker.restUrl).toMatch(/^http:/);
    const https = `https://127.0.0.1:${port}/`;
    expect((await ask(worker.restUrl, {})).status).toBe(200);
    expect((await ask(https, TRUST)).status).toBe(200);
    expect((await ask(https, WORKER)).status).toBe(200);
    await expect(ask(https, STRANGER)).rejects.toThrow();
    await worker.close();
  });

  test("serves admin.listeners apart from the rest", async () => {
    const lines = new LogLines();
    const worker = await started({ "admin.listeners": "http://127.0.0.1:0" }, lines);
    const { match } = await lines.line(/REST's admin endpoints listen.*(http:[^\s"}]+)/);
    expect((await ask(`${match[1]}/connectors`, {})).status).toBe(404);
    expect((await ask(`${match[1]}/admin/loggers/root`, {})).status).toBe(200);
    expect((await ask(`${worker.restUrl}/admin/loggers/root`, {})).status).toBe(404);
    await worker.close();
  });

  test("serves /admin nowhere with empty admin.listeners", async () => {
    const worker = await started({ "admin.listeners": "" });
    expect((await ask(`${worker.restUrl}/admin/loggers`, {})).status).toBe(404);
    await worker.close();
  });

  test.each([
    [{ listeners: "https://127.0.0.1:0" }, /needs a key: set listeners\.https\.ssl\.keystore\.location/],
    [
      {
        listeners: "https://127.0.0.1:0",
        "listeners.https.ssl.keystore.type": "JKS",
        "listeners.https.ssl.keystore.location": join(TLS, "ca.pem"),
      },
      /listeners\.https\.\*.*ca\.pem for configuration ssl\.keystore\.location.*neither JKS nor PKCS12/,
    ],
    [
      { ...MUTUAL_TLS, listeners: "https://127.0.0.1:0", "listeners.https.ssl.keystore.password": "hunter2" },
      /listeners\.https\.\*.*configuration ssl\.keystore\.location: the store cannot be read/,
    ],
    [{ "rest.extension.classes": "a.B" }, /a\.B.*Java classes cannot be loaded/],
    [{ "rest.extension.classes": BASIC_AUTH }, /-Djava\.security\.auth\.login\.config=PATH in KAFKA_OPTS/],
    [{ "rest.extension.classes": BASIC_AUTH, "java.security.auth.login.config": "/none" }, /the file cannot be read/],
    [{ "response.http.headers.config": "x" }, /Invalid format of header config/],
  ])("does not start with %j", async (props, message) => {
    await expect(started(props)).rejects.toThrow(message);
    await expect(started(props)).rejects.not.toThrow(/hunter2/);
  });

  test("does not start with a login module that it lacks, nor half of its listeners", async () => {
    const login = { "rest.extension.classes": BASIC_AUTH };
    const jaas = jaasFile(stack.folder, "com.example.LdapLoginModule");
    await expect(started({ ...login, "java.security.auth.login.config": jaas })).rejects.toThrow(/LdapLoginModule/);
    const usersGone = jaasFile(stack.folder);
    rmSync(join(stack.folder, "users.properties"));
    const start = started({ ...login, "java.security.auth.login.config": usersGone });
    await expect(start).rejects.toThrow(/file of users .*users\.properties, which the JAAS file/);
    const [free, taken] = [await freePort(), new URL(stack.worker.restUrl).port];
    const both = { listeners: `http://127.0.0.1:${free},http://127.0.0.1:${taken}` };
    await expect(started(both)).rejects.toMatchObject({ code: "PORT_IN_USE" });
    const worker = await started({ listeners: `http://127.0.0.1:${free}` });
    await worker.close();
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("No free port on 127.0.0.1");
  return address.port;
}
