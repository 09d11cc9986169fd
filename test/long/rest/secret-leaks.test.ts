import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MillraceProcess } from "../../support/millrace-process.js";
import { TestStack, testWorkerProps } from "../../support/stack.js";
import { StatusWatch } from "../../support/status-watch.js";

const PROVIDER = "org.apache.kafka.common.config.provider.";
const BASIC_AUTH = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
const FILE_MODULE = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
const POSTGRES = "io.debezium.connector.postgresql.PostgresConnector";
/** Nothing listens here. */
const NOWHERE = "1";

/** One secret for each place where a user may put one. */
const secret = (place: string) => `Hunter2-${place}-Secret`;
/** Secrets that REST shows in configurations, as Kafka Connect does, because they stand in them in plain text. */
const PLAIN = [secret("plain-config")];
const HIDDEN = [
  "worker-jaas",
  "worker-key-password",
  "user-file",
  "wrong-user",
  "provider-file",
  "provider-dir",
  "provider-env",
  "provider-jaas",
  "provider-int",
  "provider-host",
  "broken-body",
  "query",
].map(secret);

let stack: TestStack;
let worker: MillraceProcess;
let url: string;
let statuses: StatusWatch;
const log: string[] = [];
const answers: string[] = [];

const jaas = (password: string) =>
  `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="${password}";`;
const reference = (inside: string) => `\${${inside}}`;

beforeAll(async () => {
  stack = await TestStack.start();
  await stack.worker.close();
  const { folder } = stack;
  mkdirSync(join(folder, "dir"));
  writeFileSync(join(folder, "dir", "key"), secret("provider-dir"));
  writeFileSync(
    join(folder, "secrets.properties"),
    `password=${secret("provider-file")}\nport=${secret("provider-int")}\njaas=${jaas(secret("provider-jaas"))}\nhost=${secret("provider-host")}\n`,
  );
  writeFileSync(join(folder, "users.properties"), `ann=${secret("user-file")}\n`);
  writeFileSync(
    join(folder, "jaas.conf"),
    `KafkaConnect { ${FILE_MODULE} required file="${join(folder, "users.properties")}"; };`,
  );
  writeFileSync(join(folder, "lines.txt"), "a line\n");
  const props = testWorkerProps(stack.kafka, {
    "group.id": "leaky",
    "sasl.jaas.config": jaas(secret("worker-jaas")),
    "ssl.key.password": secret("worker-key-password"),
    "rest.extension.classes": BASIC_AUTH,
    "java.security.auth.login.config": join(folder, "jaas.conf"),
    "config.providers": "file,dir,env",
    "config.providers.file.class": `${PROVIDER}FileConfigProvider`,
    "config.providers.dir.class": `${PROVIDER}DirectoryConfigProvider`,
    "config.providers.env.class": `${PROVIDER}EnvVarConfigProvider`,
  });
  const file = join(folder, "leaky.properties");
  writeFileSync(
    file,
    Object.entries(props)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  const env = { MILLRACE_LOG_LEVEL: "trace", LEAKY_SECRET: secret("provider-env") };
  worker = new MillraceProcess(["worker", file], env, (line) => log.push(line));
  url = (await worker.line(/^REST interface: (\S+)$/))[1]!;
  statuses = await StatusWatch.open(stack.kafka);
});
afterAll(async () => {
  await statuses?.close();
  await worker?.stop();
  await stack.close();
});

async function ask(method: string, path: string, body?: string, password = secret("user-file")): Promise<number> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      Authorization: `Basic ${Buffer.from(`ann:${password}`).toString("base64")}`,
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body }),
  });
  answers.push(`${method} ${path.split("?")[0]}: ${await response.text()}`);
  return response.status;
}

test("secrets stay where their owners put them", async () => {
  const { folder } = stack;
  const fromFile = (key: string) => reference(`file:${join(folder, "secrets.properties")}:${key}`);
  const override = (client: string) => ({
    [`${client}.override.security.protocol`]: "SASL_PLAINTEXT",
    [`${client}.override.sasl.mechanism`]: "PLAIN",
    [`${client}.override.sasl.jaas.config`]: fromFile("jaas"),
    // The broker has no SASL, so that GET …/offsets of the sink fails; soon.
    [`${client}.override.default.api.timeout.ms`]: "1000",
  });
  const postgres = {
    "connector.class": POSTGRES,
    "topic.prefix": "p",
    "database.hostname": "127.0.0.1",
    "database.port": NOWHERE,
    "database.user": "u",
    "database.dbname": "d",
    "plugin.name": "pgoutput",
  };
  const source = { "connector.class": "FileStreamSource", file: join(folder, "lines.txt"), topic: "lines" };
  const connectors: Record<string, Record<string, string>> = {
    plain: { ...source, "producer.override.ssl.key.password": PLAIN[0]! },
    lines: source,
    producer: { ...source, ...override("producer") },
    consumer: { "connector.class": "FileStreamSink", topics: "lines", ...override("consumer") },
    // Its clients belong to the connector, but its offsets topic is opened by whoever needs it.
    own: {
      ...source,
      "offsets.storage.topic": "own-offsets",
      ...Object.fromEntries(
        ["producer", "consumer", "admin"].flatMap((client) => [
          [`${client}.override.bootstrap.servers`, `${fromFile("host")}:${NOWHERE}`],
          [`${client}.override.default.api.timeout.ms`, "1000"],
        ]),
      ),
    },
    s3: {
      "connector.class": "io.confluent.connect.s3.S3SinkConnector",
      topics: "lines",
      "s3.bucket.name": "b",
      "s3.region": "us-east-1",
      "store.url": `http://127.0.0.1:${NOWHERE}`,
      "aws.access.key.id": "id",
      "aws.secret.access.key": reference(`dir:${join(folder, "dir")}:key`),
      "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
      "storage.class": "io.confluent.connect.s3.storage.S3Storage",
      "flush.size": "1",
    },
  };
  for (const [name, config] of Object.entries(connectors)) {
    await ask("PUT", `/connector-plugins/${config["connector.class"]}/config/validate`, JSON.stringify(config));
    expect(await ask("POST", "/connectors", JSON.stringify({ name, config })), answers.at(-1)).toBe(201);
  }
  // Refused requests: their messages must not quote what was refused.
  for (const refused of [
    { ...postgres, "database.password": fromFile("password") },
    { ...postgres, "database.password": reference("env:LEAKY_SECRET") },
    { ...postgres, "database.port": fromFile("port") },
  ]) {
    await ask("PUT", `/connector-plugins/${POSTGRES}/config/validate`, JSON.stringify(refused));
    expect(await ask("POST", "/connectors", JSON.stringify({ name: "refused", config: refused }))).toBe(400);
  }
  expect(await ask("POST", "/connectors", `{"config":{"password": ${secret("broken-body")}}}`)).toBe(400);
  expect(await ask("PUT", "/connectors/x/config", `{"password":["${secret("broken-body")}"]}`)).toBe(400);
  expect(await ask("GET", "/connectors", undefined, secret("wrong-user"))).toBe(401);
  await ask("GET", `/connectors?token=${secret("query")}`);
  await ask("PUT", `/connectors/none/pause?token=${secret("query")}`);

  const created = Object.keys(connectors);
  for (const name of created) {
    await statuses.until(name, ({ tasks }) => tasks.length > 0);
    for (const part of ["", "/config", "/status", "/tasks", "/tasks/0/status", "/topics", "/offsets"]) {
      await ask("GET", `/connectors/${name}${part}`);
    }
    await ask("POST", `/connectors/${name}/restart?includeTasks=true`);
  }
  // It waits for its store, and says so: the text that is most likely to quote a setting.
  await statuses.until("s3", ({ tasks }) => tasks.some(([, { trace }]) => trace?.includes("127.0.0.1")));
  await ask("GET", "/connectors/s3/status");
  for (const path of ["/", "/connectors?expand=status&expand=info", "/admin/loggers", "/openapi.json"])
    await ask("GET", path);
  const titles = processTitles(worker.pid);
  for (const name of created) await ask("DELETE", `/connectors/${name}`);
  expect(await worker.stop()).toBe("status 0");

  const isConfig = /^(?:POST \/connectors:|GET \/connectors(?::|\/plain(?:\/config|\/tasks)?:))/;
  const topics = filesIn(join(folder, "broker"));
  // What stands in a configuration is found where it may be: the search works.
  expect(leaks(PLAIN, answers)).not.toEqual([]);
  expect(leaks(PLAIN, topics)).not.toEqual([]);
  expect(log.length).toBeGreaterThan(100);
  expect(leaks([...HIDDEN, ...PLAIN], log)).toEqual([]);
  expect(leaks(HIDDEN, answers)).toEqual([]);
  expect(
    leaks(
      PLAIN,
      answers.filter((answer) => !isConfig.test(answer)),
    ),
  ).toEqual([]);
  expect(leaks(HIDDEN, topics)).toEqual([]);
  expect(leaks([...HIDDEN, ...PLAIN], titles)).toEqual([]);
});

/** The texts that hold a secret, each shortened to its surroundings. */
function leaks(secrets: readonly string[], texts: readonly string[]): string[] {
  return texts.flatMap((text) =>
    secrets
      .filter((each) => text.includes(each))
      .map((each) => `${each} in ${text.slice(Math.max(0, text.indexOf(each) - 200), text.indexOf(each) + 100)}`),
  );
}

/** Every file under a folder, as text of one byte per character. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
}

/** What tools such as ps show of a process and its threads, where the kernel tells. */
function processTitles(pid: number): string[] {
  const folder = `/proc/${pid}`;
  if (!existsSync(folder)) return [];
  const threads = readdirSync(`${folder}/task`).map((id) => readFileSync(`${folder}/task/${id}/comm`, "utf8"));
  return [readFileSync(`${folder}/cmdline`, "utf8"), ...threads];
}
