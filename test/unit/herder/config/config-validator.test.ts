import { describe, expect, test } from "vitest";
import {
  type ConfigDef,
  type ConfigValue,
  type ConnectorPlugin,
  type Converter,
  type HeaderConverter,
  oneOf,
  type Predicate,
  type Transformation,
} from "../../../../src/api/index.js";
import { traceOf } from "../../../../src/base/trace/error-trace.js";
import { ConfigValidator, refusal } from "../../../../src/herder/config/config-validator.js";
import { NamedPlugins } from "../../../../src/worker/plugins/named-plugins.js";
import type { PluginRegistry } from "../../../../src/worker/plugins/plugin-registry.js";
import { overridePolicy } from "../../../../src/worker/task/override-policy.js";
import { inProcessCalls } from "../../worker/connector/in-process-calls.js";
import { registryOf } from "../../worker/source-harness.js";

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

const cut = {
  config: {
    length: { type: "int", doc: "", default: 1, importance: "low", group: "Size", dependents: ["unit"] },
    unit: { type: "string", doc: "", default: null, check: oneOf("mm", "cm"), recommend: () => ["mm", "cm"] },
    field: { type: "string", doc: "", importance: "high" },
    negate: { type: "string", doc: "hidden by the implicit key", default: "x" },
  },
} as const as object as Transformation;
const isOdd = { config: { of: { type: "int", doc: "" } } } as object as Predicate;
const broken = (): Transformation => {
  throw new Error("cannot be made");
};
const CUT = { transforms: "a", "transforms.a.type": "org.example.Cut$Value", "transforms.a.field": "f" };

function plugins(own?: Parameters<typeof plugin>[1]): PluginRegistry {
  const json = { config: converterConfig } as Partial<Converter> as Converter;
  const simple = { config: {} } as Partial<HeaderConverter> as HeaderConverter;
  return registryOf(
    plugin("source", own),
    plugin("sink", own),
    { className: "Json", version: "1", converter: () => json },
    { className: "Simple", version: "1", headerConverter: () => simple },
    { className: "org.example.Cut$Value", version: "1", transformation: () => cut },
    { className: "org.example.Cut$Value", version: "2", transformation: () => cut },
    { className: "Broken", version: "1", transformation: () => broken() },
    { className: "org.example.IsOdd", version: "1", predicate: () => isOdd },
  );
}

function validator(own?: Parameters<typeof plugin>[1], policy = "All"): ConfigValidator {
  const registry = plugins(own);
  const calls = inProcessCalls(registry);
  const workerProps = {
    "key.converter": "Json",
    "value.converter": "Json",
    "header.converter": "Simple",
    "bootstrap.servers": "a:1",
    "connector.client.config.override.policy": policy,
  };
  return new ConfigValidator({
    plugins: new NamedPlugins(registry.facts()),
    code: {
      configOf: (of) => calls.configOf(of),
      validate: (of, props) => calls.validate(of, props),
      transactionSupport: (...asked) => calls.transactionSupport(...asked),
    },
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
      `Plugin org.example.sourceConnector not found that matches the version range [${ref("vault:bad")},${ref("vault:bad")}], available versions: [2.0]`,
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
        [key]: [`Failed to load class ${name}: ${name}`],
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
    expect(found["value.converter"]?.[0]).toBe(
      "Plugin Json not found that matches the version range [0.0.1,0.0.1], available versions: [1]",
    );
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
        "Invalid value perhaps for configuration value.converter.schemas.enable: Expected value to be either true or false",
      ],
    });
    expect(await errors({ ...source, "value.converter.schemas.enable": "perhaps" })).toEqual({});
    expect(Object.keys(await errors({ ...source, "key.converter": "Jsom" }))).toEqual(["key.converter"]);
  });

  describe("of transformations and predicates", () => {
    const of = async (props: Record<string, string | null>) => {
      const { configs, groups } = await validator().validate({ ...source, ...props });
      const nested = configs.filter(({ value }) => /^(transforms|predicates)\./.test(value?.name ?? ""));
      return { nested, groups };
    };

    test("adds their keys, sorted as ConfigDef embeds them, and the implicit ones", async () => {
      const predicates = { predicates: "p", "predicates.p.type": "IsOdd", "predicates.p.of": "7" };
      const { nested, groups } = await of({ ...CUT, ...predicates, "transforms.a.predicate": "p" });
      const shown = nested.map(({ definition, value }) => [
        definition?.name,
        definition?.group,
        definition?.order_in_group,
        definition?.display_name,
        value?.value,
      ]);
      expect(shown).toEqual([
        ["transforms.a.type", "Transforms: a", 0, "Transformation type for a", "org.example.Cut$Value"],
        ["transforms.a.plugin.version", "Transforms: a", 1, "Transformation version for a", "2"],
        ["transforms.a.field", "Transforms: a", 2, "field", "f"],
        ["transforms.a.negate", "Transforms: a", 3, "negate", "false"],
        ["transforms.a.predicate", "Transforms: a", 4, "predicate", "p"],
        ["transforms.a.unit", "Transforms: a", 5, "unit", null],
        ["transforms.a.length", "Transforms: a: Size", 6, "length", "1"],
        ["predicates.p.type", "Predicates: p", 0, "Predicate type for p", "org.example.IsOdd"],
        ["predicates.p.plugin.version", "Predicates: p", 1, "Predicate version for p", "1"],
        ["predicates.p.of", "Predicates: p", 2, "of", "7"],
      ]);
      expect(groups.slice(-3)).toEqual(["Transforms: a", "Transforms: a: Size", "Predicates: p"]);
      const named = (name: string) => nested.find(({ value }) => value?.name === `transforms.a.${name}`)!;
      expect(named("length").definition?.dependents).toEqual(["transforms.a.unit"]);
      expect(named("unit").value?.recommended_values).toEqual(["mm", "cm"]);
      expect(named("plugin.version").value?.recommended_values).toEqual(["1", "2"]);
      expect(named("type").value?.recommended_values).toHaveLength(3);
    });

    test("names a key in full, whether it is missing, cannot be read, or its check fails", async () => {
      const { "transforms.a.field": _, ...bad } = { ...CUT, "transforms.a.length": "x", "transforms.a.unit": "m" };
      expect(await errors({ ...source, ...bad, "transforms.a.negate": "perhaps" })).toEqual({
        "transforms.a.type": [
          "Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate' defining a predicate to be negated.",
        ],
        "transforms.a.field": ['Missing required configuration "transforms.a.field" which has no default value.'],
        "transforms.a.length": ["Invalid value x for configuration transforms.a.length: Not a number of type INT"],
        "transforms.a.unit": ["Invalid value m for configuration transforms.a.unit: String must be one of: mm, cm"],
        "transforms.a.negate": [
          "Invalid value perhaps for configuration transforms.a.negate: Expected value to be either true or false",
        ],
      });
    });

    test.each([
      [undefined, null, 'Missing required configuration "transforms.a.type" which has no default value.'],
      ["Nope", null, "Invalid value Nope for configuration transforms.a.type: Class Nope could not be found."],
      ["IsOdd", "org.example.IsOdd", "Class class org.example.IsOdd does not implement the Transformation interface"],
      ["Broken", "Broken", "Error getting config definition from Transformation: cannot be made"],
    ])("with type %s adds no keys of the plugin", async (type, value, message) => {
      const { nested } = await of({ transforms: "a", ...(type && { "transforms.a.type": type }) });
      expect(nested.map((entry) => entry.value)).toMatchObject([
        { name: "transforms.a.type", value, errors: [message] },
        { name: "transforms.a.plugin.version", errors: [] },
      ]);
    });

    test.each([
      ["3", "Plugin org.example.Cut$Value not found that matches the version range [3,3], available versions: [1, 2]"],
      ["[1", "Unbounded range: [1"],
    ])("reports version %s at the class and at the version", async (version, message) => {
      const bad = { ...CUT, "transforms.a.plugin.version": version };
      expect(await errors({ ...source, ...bad })).toEqual({
        "transforms.a.type": [message],
        "transforms.a.plugin.version": [message],
      });
      expect(await errors({ ...source, ...CUT, "transforms.a.plugin.version": "[1,2)" })).toEqual({});
    });

    test("refuses an alias twice, and reads no keys of aliases that are not listed", async () => {
      expect(await errors({ ...source, ...CUT, transforms: "a,a" })).toEqual({
        transforms: ["Invalid value [a, a] for configuration transforms: Duplicate alias provided."],
      });
      expect(await errors({ ...source, "transforms.b.type": "Nope" })).toEqual({});
    });
  });

  test("with an absent version of the connector shows only the keys of all connectors", async () => {
    const infos = await validator().validate({ ...source, "connector.plugin.version": "[3,)", "tasks.max": "x" });
    const message =
      "Plugin org.example.sourceConnector not found that matches the version range [3,), available versions: [2.0]";
    expect(infos.configs.map(({ definition }) => definition?.name)).toEqual(COMMON);
    expect(infos.configs.find(({ value }) => value?.name === "connector.class")?.value?.errors).toEqual([message]);
    expect(infos.configs.find(({ value }) => value?.name === "connector.plugin.version")?.value).toMatchObject({
      errors: [message],
      recommended_values: ["2.0"],
    });
    expect(infos.error_count).toBe(4);
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

  test("shows a sink's own group twice, as Kafka Connect does, and its conflict in the first entry", async () => {
    const entries = async (group: string) => {
      const { configs } = await validator().validate({ ...sink, "consumer.override.group.id": group });
      const ofGroup = configs.filter(({ value }) => value?.name === "consumer.override.group.id");
      return ofGroup.map(({ definition, value }) => [definition?.type, value?.value, value?.errors]);
    };
    expect(await entries("mine")).toEqual([
      [undefined, "mine", []],
      ["STRING", "mine", []],
    ]);
    const conflict = "Consumer group workers conflicts with Connect worker group workers";
    expect(await entries("workers")).toEqual([
      [undefined, "workers", [conflict]],
      ["STRING", "workers", []],
    ]);
  });

  test.each([
    ["Principal", ["acks", "zzz"]],
    ["Allowlist", ["acks", "security.protocol", "zzz"]],
    ["None", ["acks", "security.protocol", "zzz"]],
  ])("refuses what the %s policy does not allow, in Kafka Connect's words", async (policy, refused) => {
    const props = { ...source, "producer.override.acks": "1", "producer.override.zzz": "1" };
    const found = await errors(
      { ...props, "producer.override.security.protocol": "PLAINTEXT" },
      validator(undefined, policy),
    );
    expect(Object.keys(found).sort()).toEqual(refused.map((key) => `producer.override.${key}`));
    for (const key of refused) {
      expect(found[`producer.override.${key}`]).toEqual([
        `The '${policy}' policy does not allow '${key}' to be overridden in the connector configuration.`,
      ]);
    }
  });

  test("shows overrides as Java's clients define them, in the order of a HashMap", async () => {
    const override = {
      "producer.override.linger.ms": "7",
      "producer.override.zzz": "x",
      "producer.override.acks": "1",
    };
    const { configs } = await validator().validate({ ...source, ...override });
    const shown = configs.filter(({ value }) => value?.name.startsWith("producer."));
    expect(shown.map(({ value }) => value?.name)).toEqual([
      "producer.override.acks",
      "producer.override.zzz",
      "producer.override.linger.ms",
    ]);
    expect(shown.map(({ definition }) => definition && `${definition.type} ${definition.default_value}`)).toEqual([
      "STRING all",
      null,
      "LONG 5",
    ]);
    expect(shown[2]?.definition).toMatchObject({ display_name: "linger.ms", importance: "MEDIUM", required: false });
    expect(await errors({ ...source, "producer.override.send.buffer.bytes": "x" })).toEqual({
      "producer.override.send.buffer.bytes": [
        "Invalid value x for configuration producer.override.send.buffer.bytes: Not a number of type INT",
      ],
    });
  });

  test.each(["sasl.jaas.config", "ssl.keystore.key", "ssl.keystore.certificate.chain", "ssl.truststore.certificates"])(
    "shows no value of the override %s",
    async (key) => {
      const { configs } = await validator().validate({ ...source, [`producer.override.${key}`]: "-----BEGIN" });
      expect(configs.find(({ value }) => value?.name.endsWith(key))?.value?.value).toBe("[hidden]");
    },
  );

  test("refuses overrides that Kafka Connect serves and ours cannot, and leaves other faults to the task", async () => {
    const bad = { ...source, "producer.override.acks": "2", "producer.override.partitioner.class": "com.example.Mine" };
    expect(await errors(bad)).toEqual({
      "producer.override.partitioner.class": [
        "Invalid value com.example.Mine for configuration producer.override.partitioner.class: only Java's default partitioner is built in",
      ],
    });
    // A source has no consumer.
    expect(await errors({ ...source, "consumer.override.auto.offset.reset": "by_duration:PT1H" })).toEqual({});
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
    [{ "errors.deadletterqueue.topic.name": "t" }, ["topics"]],
    [{ topics: "", "topics.regex": "d.*", "errors.deadletterqueue.topic.name": "dead" }, ["topics.regex"]],
    [{ "consumer.override.group.id": "workers" }, ["consumer.override.group.id"]],
  ])("knows the rules of sinks: %j", async (props, keys) => {
    expect(Object.keys(await errors({ ...sink, ...props })).sort()).toEqual([...keys].sort());
  });

  test.each([
    [source, { "tasks.max": "0" }, ["tasks.max"]],
    [source, { "errors.tolerance": "ALL" }, ["errors.tolerance"]],
    [source, { "exactly.once.support": "required" }, ["exactly.once.support"]],
    [source, { "task.isolation": "none" }, ["task.isolation"]],
    [source, { "task.isolation": "shraed", "task.heap.mb": "1" }, ["task.heap.mb", "task.isolation"]],
    [source, { ...CREATION, "topic.creation.groups": "g,g" }, ["topic.creation.groups"]],
    [source, { "producer.override.linger.ms": "x" }, ["producer.override.linger.ms"]],
  ])("%j: refuses %j, naming %j", async (base, props, keys) => {
    const found = await errors({ ...base, ...props } as Record<string, string>);
    expect(Object.keys(found).sort()).toEqual(keys);
    for (const [key, messages] of Object.entries(found)) expect(messages.join()).toContain(key);
  });

  // They are FAILED once they start, as in Kafka Connect.
  test.each([
    [source, { ...CUT, "transforms.a.predicate": "p" }],
    [source, { "offsets.storage.topic": "a b" }],
    [source, { "topic.creation.default.partitions": "1" }],
    [source, { ...CREATION, "topic.creation.groups": "g", "topic.creation.g.include": "[" }],
    [source, { "producer.override.bootstrap.servers": "nonsense", "producer.override.acks": "7" }],
    [sink, { "consumer.override.group.id": " " }],
    [sink, { topics: "a b" }],
    [sink, { "errors.deadletterqueue.topic.name": "a b", "errors.deadletterqueue.topic.replication.factor": "0" }],
  ])("%j: accepts %j, with which the connector or its tasks fail", async (base, props) => {
    expect(await errors({ ...base, ...props } as Record<string, string>)).toEqual({});
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
    expect(Object.keys(await errors(matched))).toEqual(["topics.regex"]);
  });

  test("lists the keys of any plugin", async () => {
    const names = async (name: string) => (await validator().keysOf(name)).map((key) => key.name);
    expect((await names("source")).slice(0, 4)).toEqual(["file", "topic", "secret", "name"]);
    expect(await names("Json")).toEqual(["schemas.enable"]);
    expect(await names("org.example.IsOdd")).toEqual(["of"]);
    const keys = await validator().keysOf("source", "[2,)");
    expect(keys.find(({ name }) => name === "value.converter")?.default_value).toBeNull();
    await expect(validator().keysOf("Nothing")).rejects.toThrow("Unknown plugin Nothing.");
    await expect(validator().keysOf("Json", "9")).rejects.toMatchObject({
      key: "version",
      message: expect.stringMatching(/range \[9,9\]/),
    });
    await expect(validator().keysOf("Nothing", "[1")).rejects.toThrow("Invalid version specification: [1");
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
