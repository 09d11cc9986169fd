import {
  CONFIG_TYPES,
  faultOf,
  SYNONYM_UNITS,
  splitList,
  TOPIC_CONFIG_KEYS,
  type ValueRule,
} from "./topics/config-keys.js";

/** The type and bounds of a broker property, and its default (null: none). */
interface BrokerKey extends ValueRule {
  readonly default: string | null;
}

const MINUTE = 60_000;

/**
 * The broker's own properties: Kafka's names, and three of ours at the end. The defaults of topics (`log.…`) are added
 * below.
 */
const OWN_KEYS: Readonly<Record<string, BrokerKey>> = {
  "node.id": { type: "int", default: "1", min: 0 },
  "broker.id": { type: "int", default: "1", min: 0 },
  "broker.rack": { type: "string", default: null },
  listeners: { type: "list", default: "PLAINTEXT://127.0.0.1:9092" },
  "advertised.listeners": { type: "list", default: null },
  "listener.security.protocol.map": { type: "list", default: "PLAINTEXT:PLAINTEXT" },
  "controller.listener.names": { type: "list", default: "" },
  "process.roles": { type: "list", default: "broker,controller" },
  "log.dirs": { type: "string", default: null },
  "log.dir": { type: "string", default: null },
  "authorizer.class.name": { type: "string", default: "" },
  "super.users": { type: "string", default: "" },
  "sasl.enabled.mechanisms": { type: "list", default: "" },
  "auto.create.topics.enable": { type: "boolean", default: "true" },
  "delete.topic.enable": { type: "boolean", default: "true" },
  "num.partitions": { type: "int", default: "1", min: 1 },
  "default.replication.factor": { type: "int", default: "1", min: 1 },
  "offsets.topic.num.partitions": { type: "int", default: "1", min: 1 },
  "offsets.topic.replication.factor": { type: "short", default: "1", min: 1 },
  "offsets.topic.segment.bytes": { type: "int", default: String(16 * 1024 * 1024), min: 1 },
  "offsets.retention.minutes": { type: "int", default: "10080", min: 1 },
  "offsets.retention.check.interval.ms": { type: "long", default: String(10 * MINUTE), min: 1 },
  "offset.metadata.max.bytes": { type: "int", default: "4096", min: 0 },
  "group.initial.rebalance.delay.ms": { type: "int", default: "0", min: 0 },
  "group.min.session.timeout.ms": { type: "int", default: "6000" },
  "group.max.session.timeout.ms": { type: "int", default: String(30 * MINUTE) },
  "group.max.size": { type: "int", default: "2147483647", min: 1 },
  "transaction.max.timeout.ms": { type: "int", default: String(15 * MINUTE) },
  "transactional.id.expiration.ms": { type: "int", default: "604800000", min: 1 },
  "transaction.state.log.num.partitions": { type: "int", default: "1", min: 1 },
  "transaction.state.log.replication.factor": { type: "short", default: "1", min: 1 },
  "transaction.state.log.min.isr": { type: "int", default: "1", min: 1 },
  "transaction.state.log.segment.bytes": { type: "int", default: String(16 * 1024 * 1024), min: 1 },
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": { type: "int", default: "10000", min: 1 },
  "transaction.remove.expired.transaction.cleanup.interval.ms": { type: "int", default: String(60 * MINUTE), min: 1 },
  "producer.id.expiration.ms": { type: "int", default: "86400000", min: 1 },
  "socket.request.max.bytes": { type: "int", default: "104857600", min: 1 },
  // Kafka has no limit by default. Here it also bounds the answers that clients have not taken yet.
  "queued.max.request.bytes": { type: "long", default: String(128 * 1024 * 1024) },
  "max.connections": { type: "int", default: "2147483647", min: 0 },
  "max.connections.per.ip": { type: "int", default: "2147483647", min: 0 },
  "connections.max.idle.ms": { type: "long", default: String(10 * MINUTE) },
  // Kafka's default is 55 MiB. Clients do as well with smaller answers, and this bounds the memory of a fetch.
  "fetch.max.bytes": { type: "int", default: String(8 * 1024 * 1024), min: 1024 },
  "log.retention.check.interval.ms": { type: "long", default: String(5 * MINUTE), min: 1 },
  "log.retention.minutes": { type: "int", default: null },
  "log.retention.hours": { type: "int", default: "168" },
  "log.roll.hours": { type: "int", default: "168", min: 1 },
  "log.roll.jitter.hours": { type: "int", default: "0", min: 0 },
  "log.flush.scheduler.interval.ms": { type: "long", default: "1000" },
  "log.flush.offset.checkpoint.interval.ms": { type: "int", default: String(MINUTE), min: 0 },
  "log.cleaner.enable": { type: "boolean", default: "true" },
  "log.cleaner.backoff.ms": { type: "long", default: "15000", min: 0 },
  "log.cleaner.dedupe.buffer.size": { type: "long", default: String(32 * 1024 * 1024) },
  "millrace.lenient.replication": { type: "boolean", default: "true" },
  // Below it only producers are refused, so that offsets can be committed and topics deleted.
  "millrace.log.free.bytes.min": { type: "long", default: String(32 * 1024 * 1024), min: 0 },
  "millrace.segment.bytes.min": { type: "int", default: "1048576", min: 1 },
};

/** All properties that the broker knows, the defaults of topics included. */
export const BROKER_KEYS: Readonly<Record<string, BrokerKey>> = (() => {
  const keys: Record<string, BrokerKey> = { ...OWN_KEYS };
  for (const [name, key] of Object.entries(TOPIC_CONFIG_KEYS)) {
    // Where the property in the larger unit carries the default, the one in ms has none, as in Kafka.
    const value = SYNONYM_UNITS[name] ? null : key.default;
    if (key.synonym) keys[key.synonym] ??= { ...key, default: value };
  }
  return keys;
})();

/** The sources of a property's value, with DescribeConfigs' numbers. */
export const CONFIG_SOURCES = { topic: 1, dynamicBroker: 2, dynamicDefault: 3, static: 4, default: 5 } as const;

export interface SourcedValue {
  readonly value: string | null;
  readonly source: number;
}

/** A broker property with an invalid or unsupported value. `src/app` turns it into a ConfigError. */
export class BrokerPropertyError extends Error {
  override readonly name = "BrokerPropertyError";
  constructor(
    readonly key: string,
    detail: string,
  ) {
    super(`Broker property ${key}: ${detail}`);
  }
}

/**
 * The broker's properties: the static ones, overridden by those that clients have set with AlterConfigs or
 * IncrementalAlterConfigs, for this node or as the default of all nodes.
 */
export class BrokerProperties {
  readonly #given: Readonly<Record<string, string>>;
  #dynamic: Readonly<Record<string, string>> = {};
  #dynamicDefault: Readonly<Record<string, string>> = {};

  /**
   * @param given the properties of the file or command line, as text. Unknown keys are kept and have no effect.
   * @throws BrokerPropertyError for a value of the wrong type or out of range, and for a setting that restricts access
   * and that this broker does not enforce.
   */
  constructor(given: Readonly<Record<string, string>>) {
    this.#given = withNodeId(given);
    for (const [name, value] of Object.entries(this.#given)) {
      const refusal = refusalOf(name, value);
      if (refusal) throw new BrokerPropertyError(name, refusal);
      const key = Object.hasOwn(BROKER_KEYS, name) ? BROKER_KEYS[name] : undefined;
      const min = name === "log.segment.bytes" ? this.number("millrace.segment.bytes.min") : undefined;
      const fault = key && faultOf(key, value, min);
      if (fault) throw new BrokerPropertyError(name, `invalid value ${value}: ${fault}`);
    }
  }

  /** Unknown property names, for a warning: they have no effect. */
  get unknown(): string[] {
    return Object.keys(this.#given).filter((name) => !Object.hasOwn(BROKER_KEYS, name));
  }

  /** Replaces the settings made by clients. Called at start and after each change. */
  setDynamic(ofNode: Readonly<Record<string, string>>, ofAll: Readonly<Record<string, string>>): void {
    this.#dynamic = ofNode;
    this.#dynamicDefault = ofAll;
  }

  /** All values of a property, the effective one first. */
  sources(name: string): SourcedValue[] {
    const found: SourcedValue[] = [];
    const push = (value: string | null | undefined, source: number) => {
      if (value !== undefined && value !== null) found.push({ value, source });
    };
    push(this.#dynamic[name], CONFIG_SOURCES.dynamicBroker);
    push(this.#dynamicDefault[name], CONFIG_SOURCES.dynamicDefault);
    push(this.#given[name], CONFIG_SOURCES.static);
    push(BROKER_KEYS[name]?.default, CONFIG_SOURCES.default);
    return found;
  }

  /** The effective value; undefined when there is none. */
  text(name: string): string | undefined {
    return (
      this.#dynamic[name] ?? this.#dynamicDefault[name] ?? this.#given[name] ?? BROKER_KEYS[name]?.default ?? undefined
    );
  }

  /** The elements of a list property; empty when it has no value. */
  list(name: string): string[] {
    return splitList(this.text(name) ?? "");
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  flag(name: string): boolean {
    return this.text(name)?.toLowerCase() === "true";
  }

  /** The effective value and its source; undefined if it is only the default. */
  set(name: string): SourcedValue | undefined {
    const first = this.sources(name)[0];
    return first && first.source !== CONFIG_SOURCES.default ? first : undefined;
  }
}

/** DescribeConfigs' number of a property's type. */
export function configTypeOf(name: string): number {
  return CONFIG_TYPES[BROKER_KEYS[name]?.type ?? "string"];
}

/** Copies node.id to broker.id, Kafka's older name of the same property, and back. */
function withNodeId(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { "node.id": node, "broker.id": broker } = given;
  if (node !== undefined && broker !== undefined && node !== broker) {
    throw new BrokerPropertyError(
      "broker.id",
      `is ${broker} and node.id is ${node}; set one of them, or both to the same value`,
    );
  }
  const id = node ?? broker;
  return id === undefined ? given : { ...given, "node.id": id, "broker.id": id };
}

/** Properties that restrict access and are not enforced here, with the one value of each that restricts nothing. */
const NOT_ENFORCED: readonly (readonly [name: RegExp, harmless: string])[] = [
  [/^authorizer\.class\.name$/, ""],
  [/^super\.users$/, ""],
  [/^allow\.everyone\.if\.no\.acl\.found$/, "true"],
  [/^principal\.builder\.class$/, ""],
  [/^sasl\./, ""],
  [/^ssl\./, ""],
  [/^listener\.name\./, ""],
  [/^security\.inter\.broker\.protocol$/, "PLAINTEXT"],
  [/^security\.providers$/, ""],
  [/^(create\.topic|alter\.config)\.policy\.class\.name$/, ""],
  [/^client\.quota\.callback\.class$/, ""],
  [/^max\.connections\.per\.ip\.overrides$/, ""],
];

/** Why a property is refused instead of accepted without effect; undefined: it is not refused. */
function refusalOf(name: string, value: string): string | undefined {
  const restricts = NOT_ENFORCED.some(([pattern, harmless]) => pattern.test(name) && value.trim() !== harmless);
  if (restricts) {
    return "the bundled broker has no encryption, authentication, ACLs, quotas or policies, so it would protect nothing. Remove it, or use Apache Kafka";
  }
  if (name === "process.roles" && splitList(value).sort().join() !== "broker,controller") {
    return `got ${value}; the bundled broker is always both broker and controller (broker,controller)`;
  }
  return undefined;
}
