import type { ConfigInfos } from "../../src/contract/config-infos.js";
import type { RestAnswer } from "../support/rest-client.js";

const KAFKA = "org.apache.kafka.connect.";
const SMT = `${KAFKA}transforms.`;

type Config = Readonly<Record<string, unknown>>;

/** A configuration to validate, with the differences to expect: `key member: the real one's | ours`. */
export interface ValidationCase {
  readonly config: Config;
  readonly differs: readonly string[];
}

const source = (config: Config = {}, ...differs: string[]): ValidationCase => ({
  config: { "connector.class": "FileStreamSource", name: "c", topic: "t", ...config },
  differs,
});
const sink = (config: Config = {}, ...differs: string[]): ValidationCase => ({
  config: { "connector.class": "FileStreamSink", name: "c", topics: "t", ...config },
  differs,
});
const filter = (config: Config = {}) => ({ transforms: "a", "transforms.a.type": `${SMT}Filter`, ...config });
const json = (config: Config = {}) => ({ "value.converter": "JsonConverter", ...config });

/** Kafka Connect answers an override that cannot be read with 500. */
const unreadable = (key: string, type: string) =>
  `status: 500 org.apache.kafka.common.config.ConfigException: Invalid value x for configuration ${key}: Not a number of type ${type} | 200 `;

const RANGES = ["latest", "4.3.1", " 4.3.1 ", "[4.3.1]", "[4.0,)", "(4.3.1,5]", "[1,2),[3,4]", "0.0.1", "x", "", null];
const BAD_REQUEST = `${KAFKA}runtime.rest.errors.BadRequestException`;
const BAD_RANGES = {
  "[1,": "Unbounded range",
  "[5,4]": "Range defies version ordering",
  "(4)": "Single version must be surrounded by []",
  "[1,3],[2,4]": "Ranges overlap",
  "[1,2],3": "Only fully-qualified sets allowed in multiple set scenario",
};

export const VALIDATION_CASES: readonly ValidationCase[] = [
  source(),
  sink(),
  ...RANGES.flatMap((version) => [
    source({ "connector.plugin.version": version }),
    source(json({ "value.converter.plugin.version": version })),
    source(filter({ "transforms.a.plugin.version": version })),
  ]),
  ...Object.entries(BAD_RANGES).flatMap(([version, fault]) => [
    // Kafka Connect answers a client's mistake with 500.
    source({ "connector.plugin.version": version }, `status: 500 ${BAD_REQUEST}: ${fault}: ${version} | 200 `),
    source(json({ "value.converter.plugin.version": version })),
    source(filter({ "transforms.a.plugin.version": version })),
  ]),
  source({ "value.converter.plugin.version": "0.3.1" }),
  source({ "value.converter": "Nope" }),
  source({ "value.converter": "" }),
  source({ "value.converter": "FileStreamSource" }),
  source({ "value.converter": " JsonConverter" }),
  source({ "header.converter": "Nope" }),
  source({ "header.converter": "SimpleHeaderConverter", "key.converter": `${KAFKA}storage.StringConverter` }),
  ...["Boolean", "Short", "Integer", "Long", "Float", "Double", "ByteArray"].map((name) =>
    source({
      "value.converter": `${KAFKA}converters.${name}Converter`,
      "header.converter": `${KAFKA}converters.${name}Converter`,
    }),
  ),
  source(
    json({
      "value.converter.schemas.enable": "x",
      "value.converter.decimal.format": "y",
      "value.converter.schemas.cache.size": "z",
      "value.converter.converter.type": "header",
      "value.converter.zzz": "1",
    }),
  ),
  source({ "value.converter.schemas.enable": "x" }),
  source({ "key.converter": "StringConverter", "key.converter.converter.encoding": "x" }),
  source({ name: "" }),
  source({ name: null }),
  source({ name: undefined }),
  // Java trims control characters, too; ours refuses names with them.
  source(
    { name: "a\u0007" },
    "error_count: 0 | 1",
    'name value.value: "a" | "a\\u0007"',
    'name value.errors: [] | ["Invalid value hidden for configuration name: String may not contain control sequences but had the following ASCII chars: 7"]',
  ),
  source({ name: " x " }),
  source({ topic: undefined }),
  source({ "tasks.max": "0" }),
  source({ "tasks.max": " 1 " }),
  source({ "tasks.max": "dog" }),
  source({ "tasks.max": "+5", "batch.size": "dog" }),
  source({ "tasks.max": null, "tasks.max.enforce": "x" }),
  source({ strange: "1", "strange.too": null }),
  source({
    "errors.tolerance": "x",
    "config.action.reload": "y",
    "errors.retry.timeout": "z",
    "errors.retry.delay.max.ms": "q",
    "errors.log.enable": "w",
  }),
  source({
    "exactly.once.support": "x",
    "transaction.boundary": "y",
    "transaction.boundary.interval.ms": "-1",
    "offsets.storage.topic": "",
  }),
  source({ "exactly.once.support": "REQUESTED", "transaction.boundary": "INTERVAL" }),
  ...["connector", " CONNECTOR ", "", "nope", null].map((boundary) => source({ "transaction.boundary": boundary })),
  source({ "transaction.boundary": "interval", "transaction.boundary.interval.ms": "x" }),
  source({ "exactly.once.support": "nope", "transaction.boundary": "connector" }),
  source(
    { "exactly.once.support": "required" },
    `exactly.once.support value.errors: ["This worker does not have exactly-once source support enabled.","The connector does not support exactly-once semantics with the provided configuration."] | ["This worker does not have exactly-once source support enabled. Set the workers' exactly.once.source.support to 'enabled', or set exactly.once.support to 'requested', which makes no promise and no check","The connector does not support exactly-once semantics with the provided configuration. Change it, or set exactly.once.support to 'requested', which makes no promise and no check"]`,
  ),
  source({ "topic.creation.groups": "g,g" }),
  // Settings with which the connector or its tasks fail once they start.
  source({ "topic.creation.groups": "default" }),
  source({ "topic.creation.default.partitions": "0" }),
  source({ "offsets.storage.topic": "a b" }),
  source({ "producer.override.acks": "nonsense", "producer.override.bootstrap.servers": "nohost" }),
  sink({ topics: "a b", "errors.deadletterqueue.topic.name": "c d", "consumer.override.group.id": "" }),
  source({
    "topic.creation.groups": "g",
    "topic.creation.default.partitions": "1",
    "topic.creation.default.replication.factor": "1",
    "topic.creation.g.include": "x",
    "topic.creation.g.cleanup.policy": "compact",
  }),
  sink({ topics: "" }),
  sink({ topics: "a,,b" }),
  sink({ topics: " a , b " }),
  sink({ topics: "a,a" }),
  sink({ "topics.regex": "a" }),
  // The reason that a pattern is none is in the words of the parser.
  sink(
    { topics: "", "topics.regex": "[" },
    String.raw`topics.regex value.errors: ["Invalid value [ for configuration topics.regex: Invalid regex: Unclosed character class near index 0\n[\n^"] | ["Invalid value [ for configuration topics.regex: Invalid regex: a character class is not closed"]`,
  ),
  sink({
    "errors.deadletterqueue.topic.name": "t",
    "errors.deadletterqueue.topic.replication.factor": "x",
    "errors.deadletterqueue.context.headers.enable": "q",
  }),
  sink({ topics: "", "topics.regex": "d.*", "errors.deadletterqueue.topic.name": "dead" }),
  sink({ "consumer.override.group.id": "connect-cluster" }),
  sink({ "consumer.override.group.id": "mine", "consumer.override.max.poll.records": "7" }),
  sink({ name: "cluster" }),
  sink({ "consumer.override.max.poll.records": "x" }, unreadable("max.poll.records", "INT")),
  source({ "producer.override.linger.ms": "x" }, unreadable("linger.ms", "LONG")),
  source({ "producer.override.acks": "1", "producer.override.zzz": "5", "producer.override.linger.ms": "5" }),
  source({ "producer.override.sasl.jaas.config": "secret", "producer.override.interceptor.classes": "a,b" }),
  source({ "consumer.override.fetch.min.bytes": "1", "admin.override.retries": "1" }),
  sink({ "consumer.override.fetch.min.bytes": "1", "producer.override.acks": "1", "admin.override.retries": "1" }),
  sink({
    "errors.deadletterqueue.topic.name": "dead",
    "consumer.override.max.poll.records": "7",
    "producer.override.acks": "1",
    "admin.override.retries": "1",
  }),
  source({
    "admin.override.retries": "1",
    "topic.creation.default.partitions": "1",
    "topic.creation.default.replication.factor": "1",
  }),
  source({ transforms: "a" }),
  source({ transforms: "a", "transforms.a.type": "Nope" }),
  source({ transforms: "a", "transforms.a.type": "" }),
  source({ transforms: "a", "transforms.a.type": null }),
  source({ transforms: "a", "transforms.a.type": "Value" }),
  source({ transforms: "a", "transforms.a.type": "FileStreamSource" }),
  source({ transforms: "a", "transforms.a.type": "StringConverter" }),
  source({ transforms: "a,a" }),
  source({ transforms: "a,,b" }),
  source({ transforms: null }),
  source({ transforms: "a b", "transforms.a b.type": "Filter" }),
  source({ "transforms.a.type": "Nope" }),
  source(filter()),
  source(filter({ "transforms.a.negate": "true" })),
  source(filter({ "transforms.a.negate": "perhaps", "transforms.a.predicate": "p", predicates: "p" })),
  source(filter({ "transforms.a.predicate": "nope" })),
  source(filter({ "transforms.a.predicate": null, "transforms.a.zzz": "1" })),
  source(
    filter({
      "transforms.a.predicate": "p",
      predicates: "p",
      "predicates.p.type": "TopicNameMatches",
      "predicates.p.pattern": "x.*",
    }),
  ),
  source({ predicates: "p" }),
  source({ predicates: "a,a" }),
  // The second message of Kafka Connect is that of a NullPointerException.
  source(
    { predicates: "p", "predicates.p.type": "TopicNameMatches" },
    "error_count: 2 | 1",
    String.raw`predicates.p.pattern value.errors: ["Missing required configuration \"pattern\" which has no default value.","Invalid value null for configuration pattern: Invalid regex: Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null"] | ["Missing required configuration \"pattern\" which has no default value."]`,
  ),
  source({ predicates: "p", "predicates.p.type": "HasHeaderKey" }),
  source({ predicates: "p", "predicates.p.type": "Filter" }),
  source({ predicates: "p", "predicates.p.type": "RecordIsTombstone", "predicates.p.negate": "true" }),
];

/** Every transformation that both have, without its keys. */
export function transformationCases(shared: ReadonlySet<string>): ValidationCase[] {
  const classes = [...shared].filter((name) => name.startsWith(SMT) && !name.includes(".predicates."));
  return classes.map((name) =>
    source({ transforms: "a", "transforms.a.type": name }, ...(DIFFERENT_WITHOUT_KEYS[name.slice(SMT.length)] ?? [])),
  );
}

/** A second message with the text of a NullPointerException. */
const DIFFERENT_WITHOUT_KEYS: Readonly<Record<string, readonly string[]>> = {
  RegexRouter: [
    "error_count: 3 | 2",
    String.raw`transforms.a.regex value.errors: ["Missing required configuration \"regex\" which has no default value.","Invalid value null for configuration regex: Invalid regex: Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null"] | ["Missing required configuration \"regex\" which has no default value."]`,
  ],
};

/** The file source's keys that Kafka's has not. */
export const OWN_KEYS: ReadonlySet<string> = new Set(["encoding", "malformed.input", "line.max.bytes"]);

/**
 * Lines for what differs in two answers to a validation, besides the texts of documentation and our own keys.
 *
 * @param shared the classes that both have. Of recommended classes only these are compared, each once.
 */
export function validationDifferences(real: RestAnswer, ours: RestAnswer, shared: ReadonlySet<string>): string[] {
  if (real.status !== 200 || ours.status !== 200) {
    const shown = ({ status, body }: RestAnswer) => `${status} ${(body as { message?: string }).message ?? ""}`;
    return shown(real) === shown(ours) ? [] : [`status: ${shown(real)} | ${shown(ours)}`];
  }
  const [theirs, answered] = [real.body as ConfigInfos, ours.body as ConfigInfos];
  const mine = {
    ...answered,
    configs: answered.configs.filter(({ definition }) => !OWN_KEYS.has(definition?.name ?? "")),
  };
  const lines: string[] = [];
  const compare = (what: string, one: unknown, other: unknown) => {
    const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
    if (a !== b) lines.push(`${what}: ${a} | ${b}`);
  };
  compare("name", theirs.name, mine.name);
  compare("error_count", theirs.error_count, mine.error_count);
  compare("groups", theirs.groups, mine.groups);
  const names = ({ configs }: ConfigInfos) => configs.map(({ definition, value }) => definition?.name ?? value?.name);
  const [keys, ownKeys] = [names(theirs), names(mine)];
  const missing = keys.filter((key) => !ownKeys.includes(key));
  const more = ownKeys.filter((key) => !keys.includes(key));
  if (missing.length + more.length > 0) compare("keys", missing, more);
  else compare("order of keys", keys, ownKeys);
  const left = [...mine.configs];
  for (const [at, entry] of theirs.configs.entries()) {
    // A key may have two entries.
    const found = left.findIndex((other) => (other.definition?.name ?? other.value?.name) === keys[at]);
    const [own] = found < 0 ? [] : left.splice(found, 1);
    if (!own) continue;
    for (const part of ["definition", "value"] as const) {
      const [a, b] = [entry[part], own[part]] as unknown as readonly (Record<string, unknown> | null)[];
      for (const member of Object.keys(a ?? b ?? {})) {
        if (member === "documentation") continue;
        const of = (values: typeof a) => comparable(keys[at] ?? "", member, values?.[member], shared);
        compare(`${keys[at]} ${part}.${member}`, of(a), of(b));
      }
    }
  }
  return lines;
}

/** The prefix of a nested plugin's keys. */
const NESTED = /^(?:(?:transforms|predicates)\.[^.]+|(?:key|value|header)\.converter)\./;

function comparable(key: string, member: string, value: unknown, shared: ReadonlySet<string>): unknown {
  if (!Array.isArray(value)) return value;
  if (member === "errors") {
    // Kafka Connect lists a version twice if the class is a converter and a header converter, and its messages name
    // keys of nested plugins without the prefix, or not at all.
    const short = key.replace(NESTED, "");
    return value.map((text: string) => {
      const named = text.startsWith(`${key}: `) ? text.slice(key.length + 2) : text;
      return named.replace("[4.3.1, 4.3.1]", "[4.3.1]").replaceAll(key, short);
    });
  }
  const isShared = (text: string) => shared.has(text) || !/^(org|io)\./.test(text);
  return member === "recommended_values" ? [...new Set(value)].filter(isShared) : value;
}
