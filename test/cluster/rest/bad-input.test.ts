import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RequestOf } from "../../../src/protocol/api.js";
import { findCoordinator } from "../../../src/protocol/apis/find-coordinator.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { TestStack } from "../../support/stack.js";

const SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const JSON_TYPE = { "Content-Type": "application/json" };

describe("bad input", () => {
  let stack: TestStack;
  /** The broker answers as one without transactions. */
  let lacksTransactions = false;
  beforeAll(async () => {
    stack = await TestStack.start({
      interceptor: ({ apiKey, request }) => {
        const isRefused = lacksTransactions && apiKey === findCoordinator.key;
        const { keyType } = request as RequestOf<typeof findCoordinator>;
        return isRefused && keyType === 1 ? { kind: "error", errorCode: ErrorCodes.UNSUPPORTED_VERSION } : undefined;
      },
    });
  });
  afterAll(async () => {
    // No input creates a connector, and the worker still answers.
    expect(await stack.rest.get("/connectors")).toMatchObject({ status: 200, body: [] });
    await stack.close();
  });

  const create = (config: Record<string, unknown>, name = "bad") => stack.rest.post("/connectors", { name, config });

  test.each([
    ["cut off", '{"name":"bad","config":{'],
    ["no JSON at all", "name=bad"],
    ["followed by more", '{"name":"bad","config":{}} more'],
    ["empty", ""],
  ])("a body that is %s is refused with the reason", async (_what, text) => {
    const answer = await stack.rest.sendText("POST", "/connectors", text, JSON_TYPE);
    expect(answer).toMatchObject({ status: 400, body: { error_code: 400, message: expect.stringMatching(/JSON/) } });
  });

  test.each([
    ["a field that is not there", { name: "bad", config: {}, initial: "PAUSED" }, 'Unrecognized field "initial"'],
    [
      "an object as a value",
      { name: "bad", config: { file: { path: "x" } } },
      "Cannot deserialize value of config.file",
    ],
    ["a list as a value", { name: "bad", config: { topics: ["a", "b"] } }, "Cannot deserialize value of config.topics"],
    ["a list as the body", [], "Cannot deserialize value of the request body"],
    ["an unknown initial state", { name: "bad", config: {}, initial_state: "ASLEEP" }, "initial_state"],
  ])("%s is refused by name", async (_what, body, message) => {
    expect(await stack.rest.post("/connectors", body)).toMatchObject({
      status: 400,
      body: { error_code: 400, message: expect.stringContaining(message) },
    });
  });

  test("another media type is refused", async () => {
    for (const headers of [{ "Content-Type": "text/plain" }, {}]) {
      const answer = await stack.rest.sendText(
        "PUT",
        "/connectors/bad/config",
        "{}",
        headers as Record<string, string>,
      );
      expect(answer).toMatchObject({ status: 415, body: { message: "HTTP 415 Unsupported Media Type" } });
    }
  });

  test("a config without a class is refused, naming the key", async () => {
    expect(await create({ topic: "t" })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("Connector config contains no connector type: set connector.class") },
    });
  });

  test("an unknown class is refused, naming it and the available ones", async () => {
    const answer = await create({ "connector.class": "org.example.NoSuchConnector" });
    expect(answer.status).toBe(400);
    const { message } = answer.body as { message: string };
    expect(message).toContain("org.example.NoSuchConnector");
    expect(message).toContain(SOURCE);
    const validated = await stack.rest.put("/connector-plugins/NoSuchConnector/config/validate", {
      "connector.class": "org.example.NoSuchConnector",
    });
    expect(validated).toMatchObject({ status: 400, body: { message } });
  });

  test("all faults of a config are reported at once, each naming its key", async () => {
    const answer = await create({
      "connector.class": SOURCE,
      "tasks.max": "dog",
      "batch.size": "1e3",
      "errors.tolerance": "some",
    });
    expect(answer.status).toBe(400);
    expect((answer.body as { message: string }).message.split("\n")).toEqual([
      "Connector configuration is invalid and contains the following 5 error(s):",
      "Invalid value dog for configuration tasks.max: Not a number of type INT",
      "Invalid value null for configuration tasks.max: Value must be non-null",
      "Invalid value some for configuration errors.tolerance: String must be one of: none, all",
      'Missing required configuration "topic" which has no default value.',
      "Invalid value 1e3 for configuration batch.size: Not a number of type INT",
      "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`",
    ]);
  });

  test.each([
    ["null for a key of the connector", { topic: null }, "Null value can not be supplied"],
    ["null for a key that nobody knows", { topic: "t", strange: null }, "Null value can not be supplied"],
    [
      "an unknown converter",
      { topic: "t", "value.converter": "NoSuchConverter" },
      "Class NoSuchConverter could not be found",
    ],
    [
      "a wrong key of a converter",
      { topic: "t", "value.converter": "JsonConverter", "value.converter.schemas.enable": "maybe" },
      "value.converter.schemas.enable: Expected value to be either true or false",
    ],
    ["a class with blanks around its name", { topic: "t", "connector.class": ` ${SOURCE} ` }, `matches  ${SOURCE} ,`],
    [
      "a converter with blanks around its name",
      { topic: "t", "key.converter": " JsonConverter " },
      "Failed to load class  JsonConverter ",
    ],
    ["a name with a control character", { topic: "t", name: "b\u0007d" }, "String may not contain control sequences"],
    ["exactly-once delivery", { topic: "t", "exactly.once.support": "required" }, "exactly-once source support"],
    ["a version that is not there", { topic: "t", "connector.plugin.version": "0.0.1" }, "version range [0.0.1,0.0.1]"],
  ])("%s is refused", async (_what, config, message) => {
    const name = "name" in config ? (config as { name: string }).name : "bad";
    expect(await create({ "connector.class": SOURCE, ...config }, name)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(message) },
    });
  });

  test.each([
    ["no topics", {}, "Must configure one of topics or topics.regex"],
    ["topics in two ways", { topics: "a", "topics.regex": "a.*" }, "mutually exclusive"],
    ["a regex that is none", { "topics.regex": "[" }, "Invalid regex"],
    [
      "a dead letter topic that it reads",
      { topics: "a,dead", "errors.deadletterqueue.topic.name": "dead" },
      "DLQ topic 'dead'",
    ],
    [
      "the worker's group",
      { topics: "a", "consumer.override.group.id": "test-cluster" },
      "conflicts with Connect worker group",
    ],
  ])("a sink with %s is refused", async (_what, config, message) => {
    expect(
      await create({ "connector.class": "FileStreamSink", file: join(stack.folder, "x"), ...config }),
    ).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(message) },
    });
  });

  test.each([
    ["producer.override.linger.ms", "soon"],
    ["producer.override.partitioner.class", "com.example.Mine"],
    ["producer.override.sasl.mechanism", "GSSAPI"],
  ])("an invalid override, %s=%s, is refused before anything is created", async (key, value) => {
    const login = { "producer.override.security.protocol": "SASL_PLAINTEXT" };
    const plain = { "connector.class": SOURCE, name: "bad", topic: "t" };
    const config = { ...plain, ...(/sasl/.test(key) && login), [key]: value };
    const validated = await stack.rest.put("/connector-plugins/FileStreamSource/config/validate", config);
    expect(validated).toMatchObject({ status: 200, body: { error_count: 1 } });
    const message = expect.stringContaining(`Invalid value ${value} for configuration ${key}: `);
    expect(await create(config)).toMatchObject({ status: 400, body: { message } });
  });

  test.each([
    ["topic.creation.default.partitions", "1", 'configuration "topic.creation.default.replication.factor"'],
    ["offsets.storage.topic", "a b", "Invalid value a b for configuration offsets.storage.topic"],
  ])("%s=%s is accepted, and fails the connector", async (key, value, reason) => {
    const config = { "connector.class": SOURCE, topic: "t", [key]: value };
    expect(await create(config, "late")).toMatchObject({ status: 201 });
    const { connector } = await stack.statuses.until("late", (status) => status.connector?.state === "FAILED");
    expect(connector?.trace).toContain(reason);
    expect(await stack.rest.delete("/connectors/late")).toMatchObject({ status: 204 });
  });

  test.each([
    ["producer.override.acks", "2", "Invalid value 2 for configuration producer.override.acks"],
    ["producer.override.transactional.id", "mine", "configuration producer.override.transactional.id"],
    ["admin.override.retries", "-5", "configuration admin.override.retries"],
    ["transforms.a.predicate", "nope", "Invalid value nope for configuration transforms.a.predicate"],
  ])("%s=%s is accepted, and fails the task", async (key, value, reason) => {
    const filter = { transforms: "a", "transforms.a.type": "org.apache.kafka.connect.transforms.Filter" };
    const numbers = { "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1" };
    const config = { "connector.class": SOURCE, topic: "t", ...filter, ...numbers, [key]: value };
    expect(await create(config, "later")).toMatchObject({ status: 201 });
    const { tasks } = await stack.statuses.until("later", (status) => status.tasks[0]?.[1].state === "FAILED");
    expect(tasks[0]?.[1].trace).toContain(reason);
    expect(await stack.rest.delete("/connectors/later")).toMatchObject({ status: 204 });
  });

  test.each([
    ["a b", "1", "Creating topic a b"],
    ["dead", "0", "Replication factor must be larger than 0"],
  ])("a dead letter topic %j with %s replicas is accepted, and fails the task", async (topic, replicas, reason) => {
    const config = {
      "connector.class": "FileStreamSink",
      topics: "t",
      file: join(stack.folder, "unused"),
      "errors.deadletterqueue.topic.name": topic,
      "errors.deadletterqueue.topic.replication.factor": replicas,
    };
    expect(await create(config, "dead-end")).toMatchObject({ status: 201 });
    const { tasks } = await stack.statuses.until("dead-end", (status) => status.tasks[0]?.[1].state === "FAILED");
    expect(tasks[0]?.[1].trace).toContain(`Could not initialize dead letter queue with topic=${topic}`);
    expect(tasks[0]?.[1].trace).toContain(reason);
    expect(await stack.rest.delete("/connectors/dead-end")).toMatchObject({ status: 204 });
  });

  test("a name that differs from the config's is refused", async () => {
    const config = { "connector.class": SOURCE, topic: "t", name: "other" };
    expect(await create(config)).toMatchObject({
      status: 400,
      body: { message: "Connector name configuration (other) doesn't match connector name in the URL (bad)" },
    });
  });

  test("validate answers 200 with the errors", async () => {
    const answer = await stack.rest.put("/connector-plugins/FileStreamSource/config/validate", {
      "connector.class": "FileStreamSource",
      name: "x",
      "tasks.max": 0,
      topic: "t",
    });
    expect(answer).toMatchObject({ status: 200, body: { name: "FileStreamSource", error_count: 1 } });
    const { configs } = answer.body as {
      configs: { definition: { name: string } | null; value: { errors: string[] } }[];
    };
    const wrong = configs.filter(({ value }) => value.errors.length > 0);
    expect(wrong).toMatchObject([
      {
        definition: { name: "tasks.max", type: "INT", required: false, default_value: "1", order_in_group: 4 },
        value: {
          value: "0",
          errors: ["Invalid value 0 for configuration tasks.max: Value must be at least 1"],
          visible: true,
        },
      },
    ]);
  });

  test("validate under another class's path is refused", async () => {
    const answer = await stack.rest.put("/connector-plugins/FileStreamSink/config/validate", {
      "connector.class": SOURCE,
    });
    expect(answer).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("does not match request type") },
    });
  });

  test.each([
    ["GET", "/connectors/none", "Connector none not found"],
    ["GET", "/connectors/none/status", "No status found for connector none"],
    ["GET", "/connectors/none/tasks/0/status", "No status found for task none-0"],
    ["GET", "/connectors/none/config", "Connector none not found"],
    ["GET", "/connectors/none/offsets", "Connector none not found"],
    ["PUT", "/connectors/none/pause", "Unknown connector none"],
    ["PUT", "/connectors/none/resume", "Unknown connector none"],
    ["PUT", "/connectors/none/stop", "Unknown connector none"],
    ["DELETE", "/connectors/none", "Connector none not found"],
    ["POST", "/connectors/none/restart", "Unknown connector: none"],
    ["POST", "/connectors/none/restart?includeTasks=true", "Unknown connector: none"],
    ["POST", "/connectors/none/tasks/0/restart", "Unknown connector: none"],
    ["GET", "/connectors/none/tasks-config", "HTTP 404 Not Found"],
    ["GET", "/connector-plugins/none/config", "Unknown plugin none."],
    ["GET", "/nothing/here", "HTTP 404 Not Found"],
  ])("%s %s is answered 404", async (method, path, message) => {
    expect(await stack.rest.send(method, path)).toMatchObject({
      status: 404,
      body: { error_code: 404, message: expect.stringContaining(message) },
    });
  });

  test("unknown connectors have no topics", async () => {
    expect(await stack.rest.get("/connectors/none/topics")).toMatchObject({
      status: 200,
      body: { none: { topics: [] } },
    });
  });

  test.each(["enabled", "preparing"])(
    "a worker with exactly.once.source.support=%s needs a broker with transactions",
    async (mode) => {
      lacksTransactions = true;
      await expect(stack.startAnotherWorker({ "exactly.once.source.support": mode })).rejects.toThrow(
        "exactly.once.source.support needs transactions, which the brokers of bootstrap.servers do not serve",
      );
      lacksTransactions = false;
    },
  );
});
