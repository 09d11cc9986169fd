import { describe, expect, test } from "vitest";
import type { ConfigDef, ConfigValue, ConnectorPlugin, Converter, HeaderConverter } from "../../../../src/api/index.js";
import { traceOf } from "../../../../src/base/error-trace.js";
import { ConfigValidator, refusal } from "../../../../src/herder/config/config-validator.js";
import { NamedPlugins } from "../../../../src/worker/plugins/named-plugins.js";
import { PluginRegistry } from "../../../../src/worker/plugins/plugin-registry.js";
import { overridePolicy } from "../../../../src/worker/task/override-policy.js";
import { inProcessCalls } from "../../worker/connector/in-process-calls.js";

const config = {
  file: { type: "string", doc: "File.", default: null },
  topic: { type: "string", doc: "Topic." },
  secret: { type: "password", doc: "Secret.", default: null },
} as const satisfies ConfigDef;

function plugin(type: "source" | "sink", validate?: (values: ConfigValue[]) => ConfigValue[]): ConnectorPlugin {
  return {
    type,
    className: `org.example.${type}Connector`,
    taskClassName: "org.example.Task",
    version: "2.0",
    connector: () => ({
      config,
      ...(validate && { validate: async (_props: object, values: ConfigValue[]) => validate(values) }),
      async start() {},
      taskConfigs: async () => [],
      async stop() {},
    }),
    task: () => Promise.reject(new Error("never started")),
  } as ConnectorPlugin;
}

const converterConfig = { "schemas.enable": { type: "boolean", doc: "", default: true } } as const satisfies ConfigDef;

function plugins(own?: Parameters<typeof plugin>[1]): PluginRegistry {
  const json = { config: converterConfig } as Partial<Converter> as Converter;
  const simple = { config: {} } as Partial<HeaderConverter> as HeaderConverter;
  return new PluginRegistry([
    plugin("source", own),
    plugin("sink", own),
    { className: "Json", version: "1", converter: () => json },
    { className: "Simple", version: "1", headerConverter: () => simple },
  ]);
}

function validator(own?: Parameters<typeof plugin>[1], policy = "All"): ConfigValidator {
  const registry = plugins(own);
  const calls = inProcessCalls(registry);
  const workerProps = { "bootstrap.servers": "a:1", "connector.client.config.override.policy": policy };
  return new ConfigValidator({
    plugins: new NamedPlugins(registry.facts()),
    code: {
      configOf: (of) => calls.configOf(of),
      validate: (of, props) => calls.validate(of, props),
    },
    worker: { keyConverter: "Json", valueConverter: "Json", headerConverter: "Simple" },
    workerProps,
    groupId: "workers",
    overridePolicy: overridePolicy(workerProps),
    providers: new Map([
      [
        "vault",
        {
          get: () =>
            new Map([
              ["n", "12"],
              ["bad", "s3cret"],
              ["class", "source"],
            ]),
        },
      ],
    ]),
  });
}

/** The keys with errors, each with its messages. */
async function errors(
  props: Record<string, string | null>,
  from = validator(),
): Promise<Record<string, readonly string[]>> {
  const { configs } = await from.validate(props);
  return Object.fromEntries(
    configs.flatMap(({ value }) => (value && value.errors.length > 0 ? [[value.name, value.errors] as const] : [])),
  );
}

const source = { name: "c", "connector.class": "source", topic: "t" };
const sink = { name: "c", "connector.class": "sink", topic: "t", topics: "t" };
const CREATION = { "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "-1" };
const ref = (inside: string) => `\${${inside}}`;

describe("the validation of connector configs", () => {
  const COMMON = [
    "name",
    "connector.class",
    "connector.plugin.version",
    "tasks.max",
    "tasks.max.enforce",
    "key.converter",
    "key.converter.plugin.version",
    "value.converter",
    "value.converter.plugin.version",
    "header.converter",
    "header.converter.plugin.version",
    "transforms",
    "predicates",
    "config.action.reload",
    "errors.retry.timeout",
    "errors.retry.delay.max.ms",
    "errors.tolerance",
    "errors.log.enable",
    "errors.log.include.messages",
  ];
  const OF_SOURCES = [
    "topic.creation.groups",
    "exactly.once.support",
    "transaction.boundary",
    "transaction.boundary.interval.ms",
    "offsets.storage.topic",
  ];
  const OF_SINKS = [
    "topics",
    "topics.regex",
    "errors.deadletterqueue.topic.name",
    "errors.deadletterqueue.topic.replication.factor",
    "errors.deadletterqueue.context.headers.enable",
  ];

  test("answers Kafka Connect's keys in its order, then the connector's", async () => {
    const keys = async (props: Record<string, string>) =>
      (await validator().validate(props)).configs.map(({ definition }) => definition?.name);
    expect(await keys(source)).toEqual([...COMMON, ...OF_SOURCES, "file", "topic", "secret"]);
    expect(await keys(sink)).toEqual([...COMMON, ...OF_SINKS, "file", "topic", "secret"]);
  });

  test("finds no fault in a valid config, and repeats the class as submitted", async () => {
    const infos = await validator().validate(source);
    expect(infos).toMatchObject({ name: "source", error_count: 0 });
    expect(refusal(infos)).toBeUndefined();
    expect(infos.groups.slice(0, 4)).toEqual(["Common", "Transforms", "Predicates", "Error Handling"]);
  });

  test("shows no password", async () => {
    const { configs } = await validator().validate({ ...source, secret: "hunter2" });
    expect(JSON.stringify(configs)).not.toContain("hunter2");
    expect(configs.find(({ definition }) => definition?.name === "secret")?.value?.value).toBe("[hidden]");
  });

  test("shows the reference itself, and of its value only that it is wrong", async () => {
    const good = await validator().validate({ ...source, "tasks.max": ref("vault:n") });
    expect(good.error_count).toBe(0);
    expect(good.configs.find(({ definition }) => definition?.name === "tasks.max")?.value?.value).toBe(ref("vault:n"));
    const bad = await validator().validate({ ...source, "tasks.max": ref("vault:bad") });
    expect(JSON.stringify(bad)).not.toContain("s3cret");
    expect(refusal(bad)).toContain(
      "Invalid value for configuration 'tasks.max': the value resolved from the config provider reference failed validation",
    );
  });

  test("shows a reference in connector.class, never its value", async () => {
    const failing = validator().validate({ ...source, "connector.class": ref("vault:bad") });
    await expect(failing).rejects.toThrow(`that ${ref("vault:bad")} stands for names no connector`);
    await expect(failing).rejects.not.toThrow("s3cret");
    const infos = await validator().validate({ ...source, "connector.class": ref("vault:class") });
    expect(infos).toMatchObject({ name: ref("vault:class"), error_count: 0 });
  });

  test("shows a reference's value in no other key's message, and in no thrown error", async () => {
    const version = { ...source, "connector.plugin.version": ref("vault:bad") };
    expect((await errors(version))["connector.class"]).toEqual([
      `Plugin source is not available in version ${ref("vault:bad")}: the installed version is 2.0`,
    ]);
    const throwing = validator(() => {
      throw new Error("cannot log in with s3cret", { cause: new Error("s3cret") });
    });
    const error = await throwing.validate({ ...source, file: ref("vault:bad") }).catch((reason: Error) => reason);
    expect(error).toMatchObject({ message: `cannot log in with ${ref("vault:bad")}` });
    expect(traceOf(error)).toContain(`Caused by: Error: ${ref("vault:bad")}`);
    expect(traceOf(error)).not.toContain("s3cret");
  });

  test("allows no connector its own config providers", async () => {
    const own = { "config.providers": "x", "config.providers.x.class": "com.example.X" };
    expect(await errors({ ...source, ...own })).toEqual({});
  });

  test("adds the connector's own errors", async () => {
    const complaining = validator((values) =>
      values.map((value) => (value.name === "file" ? { ...value, errors: ["there is no such file"] } : value)),
    );
    expect(await errors(source, complaining)).toEqual({ file: ["there is no such file"] });
  });

  test("finds no class with blanks around its name, as in Kafka Connect", async () => {
    const converters = { "key.converter": " Json", "value.converter": "Json ", "header.converter": " Simple " };
    for (const [key, name] of Object.entries(converters)) {
      expect(await errors({ ...source, [key]: name })).toEqual({
        [key]: [`Failed to load class ${name} for configuration ${key}`],
      });
    }
    await expect(validator().validate({ ...source, "connector.class": " source " })).rejects.toMatchObject({
      key: "connector.class",
      message: expect.stringContaining("which name matches  source , available"),
    });
    await expect(validator().validate({ ...source, "connector.class": " " })).rejects.toThrow("no connector type");
  });

  test("accepts only the installed version of a converter, as in Kafka Connect", async () => {
    const versioned = { ...source, "value.converter": "Json", "value.converter.plugin.version": "0.0.1" };
    const found = await errors(versioned);
    expect(Object.keys(found)).toEqual(["value.converter", "value.converter.plugin.version"]);
    expect(found["value.converter"]?.[0]).toContain("is not available in version 0.0.1");
    const { version } = plugins()
      .facts()
      .converter.find(({ className }) => className === "Json")!;
    expect(await errors({ ...versioned, "value.converter.plugin.version": version })).toEqual({});
  });

  test("reports an unknown converter at its key, even if the connector defines the key itself", async () => {
    const own = validator((values) => [
      ...values,
      { name: "key.converter", value: "Jsom", recommendedValues: [], errors: [], visible: true },
    ]);
    expect(Object.keys(await errors({ ...source, "key.converter": "Jsom" }, own))).toEqual(["key.converter"]);
  });

  test("validates only the keys of converters that the connector names", async () => {
    const named = { ...source, "value.converter": "Json", "value.converter.schemas.enable": "perhaps" };
    expect(await errors(named)).toEqual({
      "value.converter.schemas.enable": [
        "Invalid value perhaps for configuration schemas.enable: Expected value to be either true or false",
      ],
    });
    expect(await errors({ ...source, "value.converter.schemas.enable": "perhaps" })).toEqual({});
    expect(Object.keys(await errors({ ...source, "key.converter": "Jsom" }))).toEqual(["key.converter"]);
  });

  test("counts null as an error, in known keys and in others", async () => {
    const nulls = "Null value can not be supplied as the configuration value.";
    expect(await errors({ ...source, file: null, strange: null })).toEqual({ file: [nulls], strange: [nulls] });
  });

  test("counts a connector's errors about keys outside its definition", async () => {
    const masks = (values: ConfigValue[]): ConfigValue[] => [
      ...values,
      { name: "column.mask.x", value: "t.v", recommendedValues: [], errors: ["not served"], visible: true },
    ];
    const { configs, error_count } = await validator(masks).validate({ ...source, "column.mask.x": "t.v" });
    expect(error_count).toBe(1);
    expect(configs.find(({ value }) => value?.name === "column.mask.x")).toMatchObject({
      definition: null,
      value: { value: "t.v", errors: ["not served"] },
    });
  });

  test("checks overrides against the worker's policy, for the clients that the connector has", async () => {
    const overrides = {
      "producer.override.linger.ms": "5",
      "consumer.override.fetch.min.bytes": "1",
      "admin.override.retries": "1",
    };
    expect(await errors({ ...source, ...overrides })).toEqual({});
    const none = (props: Record<string, string>) => errors({ ...props, ...overrides }, validator(undefined, "None"));
    expect(Object.keys(await none(source))).toEqual(["producer.override.linger.ms"]);
    expect(Object.keys(await none({ ...source, ...CREATION }))).toEqual([
      "producer.override.linger.ms",
      "admin.override.retries",
    ]);
    expect(Object.keys(await none(sink))).toEqual(["consumer.override.fetch.min.bytes"]);
    expect(Object.keys(await none({ ...sink, "errors.deadletterqueue.topic.name": "dead" })).sort()).toEqual(
      Object.keys(overrides).sort(),
    );
  });

  test.each(["sasl.jaas.config", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates"])(
    "shows no value of the override %s",
    async (key) => {
      const { configs } = await validator().validate({ ...source, [`producer.override.${key}`]: "-----BEGIN" });
      expect(configs.find(({ value }) => value?.name.endsWith(key))?.value?.value).toBe("[hidden]");
    },
  );

  test("refuses what the tasks' clients would refuse, by the override's key", async () => {
    const bad = { ...source, "producer.override.acks": "2", "producer.override.compression.type": "brotli" };
    expect(await errors(bad)).toEqual({
      "producer.override.acks": [
        "Invalid value 2 for configuration producer.override.acks: must be one of all, -1, 0, 1",
      ],
      "producer.override.compression.type": [
        "Invalid value brotli for configuration producer.override.compression.type: must be one of none, gzip, snappy, lz4, zstd",
      ],
    });
    expect(Object.keys(await errors({ ...sink, "consumer.override.security.protocol": "SASL_SSL" }))).toEqual([
      "consumer.override.sasl.mechanism",
    ]);
    // A source has no consumer.
    expect(await errors({ ...source, "consumer.override.auto.offset.reset": "middle" })).toEqual({});
  });

  test("accepts the overrides that Kafka Connect accepts", async () => {
    const overrides = { acks: "1", "compression.type": "snappy", "compression.zstd.level": "19", "linger.ms": "5" };
    const props = Object.fromEntries(
      Object.entries(overrides).map(([key, value]) => [`producer.override.${key}`, value]),
    );
    expect(await errors({ ...source, ...props })).toEqual({});
  });

  test("counts every message of a key, but one per key of converters and overrides", async () => {
    const infos = await validator(undefined, "None").validate({
      ...source,
      "tasks.max": "dog",
      "producer.override.acks": "1",
    });
    expect(infos.error_count).toBe(3);
    expect(refusal(infos)?.split("\n")).toHaveLength(5);
  });

  test.each([
    [{ topics: "" }, ["topics", "topics.regex"]],
    [{ "topics.regex": "t.*" }, ["topics", "topics.regex"]],
    [{ topics: "t,t" }, ["topics"]],
    [{ "errors.deadletterqueue.topic.name": "t" }, ["errors.deadletterqueue.topic.name"]],
    [
      { topics: "", "topics.regex": "d.*", "errors.deadletterqueue.topic.name": "dead" },
      ["errors.deadletterqueue.topic.name"],
    ],
    [{ "consumer.override.group.id": "workers" }, ["consumer.override.group.id"]],
  ])("knows the rules of sinks: %j", async (props, keys) => {
    expect(Object.keys(await errors({ ...sink, ...props })).sort()).toEqual([...keys].sort());
  });

  // Kafka Connect accepts these here, and then fails when the connector or a task starts.
  test.each([
    [source, { "tasks.max": "0" }, ["tasks.max"]],
    [source, { "errors.tolerance": "ALL" }, ["errors.tolerance"]],
    [source, { transforms: "t", "transforms.t.predicate": "p" }, ["transforms.t.predicate"]],
    [source, { "offsets.storage.topic": "mine" }, ["offsets.storage.topic"]],
    [source, { "exactly.once.support": "required" }, ["exactly.once.support"]],
    [source, { "transaction.boundary": "connector" }, ["transaction.boundary"]],
    [source, { "task.isolation": "none" }, ["task.isolation"]],
    [source, { "task.isolation": "shraed", "task.heap.mb": "1" }, ["task.heap.mb", "task.isolation"]],
    [source, { "topic.creation.default.partitions": "1" }, ["topic.creation.default.replication.factor"]],
    [source, { ...CREATION, "topic.creation.default.partitions": "0" }, ["topic.creation.default.partitions"]],
    [
      source,
      {
        ...CREATION,
        "topic.creation.groups": "g,h",
        "topic.creation.g.include": "[",
        "topic.creation.h.partitions": "x",
      },
      ["topic.creation.g.include", "topic.creation.h.partitions"],
    ],
    [source, { ...CREATION, "topic.creation.groups": "g,g" }, ["topic.creation.groups"]],
    [
      source,
      { "producer.override.linger.ms": "x", "producer.override.acks": "7" },
      ["producer.override.acks", "producer.override.linger.ms"],
    ],
    [source, { "producer.override.bootstrap.servers": "nonsense" }, ["producer.override.bootstrap.servers"]],
    [source, { ...CREATION, "admin.override.security.protocol": "TLS" }, ["admin.override.security.protocol"]],
    [sink, { "consumer.override.auto.offset.reset": "first" }, ["consumer.override.auto.offset.reset"]],
    [sink, { "consumer.override.group.id": " " }, ["consumer.override.group.id"]],
    [sink, { topics: "a b" }, ["topics"]],
    [sink, { "errors.deadletterqueue.topic.name": "a b" }, ["errors.deadletterqueue.topic.name"]],
    [
      sink,
      { "errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.topic.replication.factor": "0" },
      ["errors.deadletterqueue.topic.replication.factor"],
    ],
  ])("%j: refuses %j, naming %j", async (base, props, keys) => {
    const found = await errors({ ...base, ...props } as Record<string, string>);
    expect(Object.keys(found).sort()).toEqual(keys);
    for (const [key, messages] of Object.entries(found)) expect(messages.join()).toContain(key);
  });

  test("accepts keys without effect on a connector of that type, and keys that its clients have", async () => {
    const ofSources = { "offsets.storage.topic": "x", "topic.creation.default.partitions": "0", transforms: " " };
    expect(await errors({ ...sink, ...ofSources })).toEqual({});
    const ofSinks = { "errors.deadletterqueue.topic.name": "a b", "consumer.override.auto.offset.reset": "first" };
    expect(await errors({ ...source, ...ofSinks, "producer.override.acks": "1" })).toEqual({});
  });

  test.each(["(?i)orders.*", "a++b"])("accepts Java's pattern %s, as the task does", async (regex) => {
    expect(await errors({ ...sink, topics: "", "topics.regex": regex })).toEqual({});
  });

  test("refuses an invalid pattern, and a dead letter topic that a Java pattern matches", async () => {
    const wrong = await errors({ ...sink, topics: "", "topics.regex": "a(" });
    expect(wrong).toEqual({ "topics.regex": [expect.stringContaining("Invalid regex")] });
    const matched = {
      ...sink,
      topics: "",
      "topics.regex": "(?i)orders.*",
      "errors.deadletterqueue.topic.name": "ORDERS-dead",
    };
    expect(Object.keys(await errors(matched))).toEqual(["errors.deadletterqueue.topic.name"]);
  });

  test("lists the keys of any plugin", async () => {
    const names = async (name: string) => (await validator().keysOf(name)).map((key) => key.name);
    expect((await names("source")).slice(0, 4)).toEqual(["file", "topic", "secret", "name"]);
    expect(await names("Json")).toEqual(["schemas.enable"]);
    await expect(validator().keysOf("Nothing")).rejects.toThrow("Unknown plugin Nothing.");
  });
});

test.each([
  ["nl\nx", "10"],
  ["tab\tdel\u007f\u0085", "9, 127, 133"],
])("a name with the control characters of %j is refused", async (name, codes) => {
  const { configs } = await validator().validate({ "connector.class": "source", topic: "t", name });
  expect(configs.find(({ value }) => value?.name === "name")?.value?.errors).toEqual([
    `Invalid value hidden for configuration name: String may not contain control sequences but had the following ASCII chars: ${codes}`,
  ]);
});
