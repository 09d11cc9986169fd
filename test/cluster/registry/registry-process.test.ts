import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { SystemHttpClient } from "../../../src/base/http-client.js";
import { MillraceProcess } from "../../support/millrace-process.js";

const TLS = resolve(import.meta.dirname, "../../support/tls");
const EXTENSION = "org.apache.kafka.connect.rest.basic.auth.extension";
const ANN = `Basic ${Buffer.from("ann:pw").toString("base64")}`;

let folder: string;
const running = new Set<MillraceProcess>();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-registry-"));
});
afterAll(async () => {
  for (const each of running) await each.kill9();
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): MillraceProcess {
  const process = new MillraceProcess(args);
  running.add(process);
  return process;
}

async function ask(url: string, method: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
  const answer = await new SystemHttpClient(new SystemClock(), () => ({ rejectUnauthorized: false })).send({
    url: new URL(url),
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    timeoutMs: 60_000,
  });
  return { status: answer.status, text: answer.body.toString() };
}

test("a registry beside the broker, killed and started again, says the same; another one reads it over TLS, with users", async () => {
  const up = () =>
    start(
      "up",
      "--data",
      join(folder, "data"),
      "--kafka",
      "127.0.0.1:0",
      "--rest",
      "127.0.0.1:0",
      "--registry",
      "127.0.0.1:0",
    );
  const first = up();
  const url = (await first.line(/^Schema registry: (.*)$/))[1]!;
  await first.line(/registry's group has a leader/);
  expect((await ask(`${url}/subjects/s/versions`, "POST", { schema: '"string"' })).status).toBe(200);
  const [before, list] = [await ask(`${url}/subjects/s/versions/1`, "GET"), await ask(`${url}/subjects`, "GET")];
  await first.kill9();

  const again = up();
  const next = (await again.line(/^Schema registry: (.*)$/))[1]!;
  expect(await ask(`${next}/subjects/s/versions/1`, "GET")).toEqual(before);
  expect(await ask(`${next}/subjects`, "GET")).toEqual(list);

  const kafka = (await again.line(/^Kafka broker: (.*)$/))[1]!;
  const [jaas, users, file] = ["jaas.conf", "users", "registry.properties"].map((name) => join(folder, name));
  writeFileSync(users!, "ann=pw\n");
  writeFileSync(jaas!, `KafkaConnect { ${EXTENSION}.PropertyFileLoginModule required file="${users}"; };\n`);
  writeFileSync(
    file!,
    [
      "listeners=https://127.0.0.1:0",
      `kafkastore.bootstrap.servers=PLAINTEXT://${kafka}`,
      "schema.registry.group.id=others",
      "ssl.keystore.type=PKCS12",
      `ssl.keystore.location=${join(TLS, "worker.p12")}`,
      "ssl.keystore.password=changeit",
      `rest.extension.classes=${EXTENSION}.BasicAuthSecurityRestExtension`,
      `java.security.auth.login.config=${jaas}`,
    ].join("\n"),
  );
  const secured = start("registry", file!);
  const safe = (await secured.line(/^Schema registry: (https.*)$/))[1]!;
  expect(await ask(`${safe}/subjects`, "GET")).toEqual({
    status: 401,
    text: '{"error_code":401,"message":"User cannot access the resource."}',
  });
  expect(await ask(`${safe}/subjects/s/versions/1`, "GET", undefined, { Authorization: ANN })).toEqual(before);
});

test("bad properties are refused by name", async () => {
  const file = join(folder, "bad.properties");
  writeFileSync(file, "kafkastore.bootstrap.servers=PLAINTEXT://127.0.0.1:1\nschema.compatibility.level=odd\n");
  const process = start("registry", file);
  await process.line(/Invalid value odd for configuration schema.compatibility.level/);
  expect(await process.exited).toBe("status 1");
});
