import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kafkaClient } from "../../support/kafka-client.js";
import { TestStack } from "../../support/stack.js";

const PROVIDER = "org.apache.kafka.common.config.provider.";

/** A package of a config provider, as a user would write it. */
const VAULT = `
export default {
  className: "com.example.Vault",
  version: "1.0",
  configProvider() {
    let suffix;
    return {
      configure: async (props) => { suffix = props.suffix; },
      get: (path) => new Map([["name", path + "-" + suffix]]),
    };
  },
};
`;

describe("secrets from config providers", () => {
  let stack: TestStack;
  let secrets: string;

  beforeAll(async () => {
    secrets = mkdtempSync(join(tmpdir(), "millrace-secrets-"));
    mkdirSync(join(secrets, "dir"));
    writeFileSync(
      join(secrets, "db.properties"),
      `topic=secret-topic\nsource=${join(secrets, "lines.txt")}\npassword=HUNTER2SECRET\n`,
    );
    writeFileSync(join(secrets, "dir", "size"), "17");
    writeFileSync(join(secrets, "lines.txt"), "line\n");
    const plugin = join(secrets, "plugins", "vault");
    mkdirSync(plugin, { recursive: true });
    writeFileSync(join(plugin, "package.json"), '{"type":"module","millraceConfigProviders":"providers.js"}');
    writeFileSync(join(plugin, "providers.js"), VAULT);
    stack = await TestStack.start({
      props: {
        "plugin.path": join(secrets, "plugins"),
        "config.providers": "file,dir,vault",
        "config.providers.vault.class": "com.example.Vault",
        "config.providers.vault.param.suffix": "topic",
        "config.providers.file.class": `${PROVIDER}FileConfigProvider`,
        "config.providers.file.param.allowed.paths": secrets,
        "config.providers.dir.class": `${PROVIDER}DirectoryConfigProvider`,
      },
    });
  });
  afterAll(async () => {
    await stack.close();
    rmSync(secrets, { recursive: true, force: true });
  });

  const ref = (inside: string) => `\${${inside}}`;

  test("reach the connector, but neither REST nor the config topic", async () => {
    const config = {
      "connector.class": "FileStreamSource",
      file: ref(`file:${join(secrets, "db.properties")}:source`),
      topic: ref(`file:${join(secrets, "db.properties")}:topic`),
      "batch.size": ref(`dir:${join(secrets, "dir")}:size`),
    };
    await stack.rest.create("hidden", config);
    await stack.statuses.running("hidden");
    expect((await stack.rest.get("/connectors/hidden/config")).body).toEqual({ ...config, name: "hidden" });
    expect((await stack.rest.get("/connectors/hidden/tasks")).body).toMatchObject([{ config }]);
    const read = await topicText("connect-configs");
    expect(read).toContain("db.properties:topic");
    expect(read).not.toContain("secret-topic");
  });

  test("of a plugin reach the connector, but neither REST nor the config topic", async () => {
    const config = {
      "connector.class": "FileStreamSource",
      file: join(secrets, "lines.txt"),
      topic: ref("vault:lines:name"),
    };
    await stack.rest.create("vaulted", config);
    await stack.statuses.running("vaulted");
    expect((await stack.rest.get("/connectors/vaulted/config")).body).toEqual({ ...config, name: "vaulted" });
    await expect
      .poll(async () => (await stack.rest.get("/connectors/vaulted/topics")).body)
      .toEqual({
        vaulted: { topics: ["lines-topic"] },
      });
    expect(await topicText("connect-configs")).not.toContain("lines-topic");
    await stack.rest.delete("/connectors/vaulted");
  });

  test("are shown only as their reference when they are invalid", async () => {
    writeFileSync(join(secrets, "dir", "size"), "hunter2");
    const answer = await stack.rest.post("/connectors", {
      name: "wrong",
      config: {
        "connector.class": "FileStreamSource",
        topic: "t",
        "batch.size": ref(`dir:${join(secrets, "dir")}:size`),
      },
    });
    expect(answer.status).toBe(400);
    const { message } = answer.body as { message: string };
    expect(message).toContain("Invalid value for configuration 'batch.size'");
    expect(message).not.toContain("hunter2");
  });

  test("are shown as their reference when they are not a class", async () => {
    const reference = ref(`file:${join(secrets, "db.properties")}:password`);
    const answer = await stack.rest.post("/connectors", {
      name: "wrong",
      config: { "connector.class": reference, topic: "t" },
    });
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(reference) } });
    expect(JSON.stringify(answer.body)).not.toContain("HUNTER2SECRET");
  });

  test("are shown as their reference in the trace of a task that they fail", async () => {
    const reference = ref(`file:${join(secrets, "db.properties")}:password`);
    await stack.rest.create("failing", {
      "connector.class": "FileStreamSink",
      file: join(secrets, "no-such-folder", reference),
      topics: "t",
    });
    const { tasks } = await stack.statuses.until("failing", ({ tasks: all }) => all[0]?.[1].state === "FAILED");
    expect(tasks[0]?.[1].trace).toContain(reference);
    const status = await stack.rest.get("/connectors/failing/status");
    expect(JSON.stringify(status.body)).not.toContain("HUNTER2SECRET");
  });

  test("with an unreadable file are refused, naming its path", async () => {
    const missing = join(secrets, "none.properties");
    const answer = await stack.rest.post("/connectors", {
      name: "missing",
      config: { "connector.class": "FileStreamSource", topic: ref(`file:${missing}:topic`) },
    });
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(missing) } });
  });

  /** The content of a topic with one partition, as text. */
  async function topicText(topic: string): Promise<string> {
    const client = kafkaClient(stack.kafka);
    const partition = { topic, partition: 0 };
    const consumer = client.consumer({});
    consumer.assign([partition]);
    consumer.seek(partition, "earliest");
    const [end] = await client.admin.endOffsets([partition]);
    let text = "";
    for (let at = 0; at < end!.offset; ) {
      for (const { records, nextOffset } of await consumer.poll(5_000)) {
        for (const { key, value } of records) text += `${key} ${value}\n`;
        at = nextOffset;
      }
    }
    await client.close();
    return text;
  }
});
