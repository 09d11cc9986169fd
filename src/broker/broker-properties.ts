import { CONFIG_TYPES, type ConfigType, SYNONYM_UNITS, TOPIC_CONFIG_KEYS } from "./topics/config-keys.js";

/** A property of the broker: how it is written, and its default (null: none). */
interface BrokerKey {
  readonly type: ConfigType;
  readonly default: string | null;
}

const MINUTE = 60_000;

/** The broker's own properties: Kafka's names, and three of ours at the end. Topic defaults (`log.…`) come on top. */
const OWN_KEYS: Readonly<Record<string, BrokerKey>> = {
  "node.id": { type: "int", default: "1" },
  "broker.id": { type: "int", default: "1" },
  "broker.rack": { type: "string", default: null },
  listeners: { type: "list", default: "PLAINTEXT://127.0.0.1:9092" },
  "advertised.listeners": { type: "list", default: null },
  "process.roles": { type: "list", default: "broker,controller" },
  "log.dirs": { type: "string", default: null },
  "authorizer.class.name": { type: "string", default: "" },
  "super.users": { type: "string", default: "" },
  "sasl.enabled.mechanisms": { type: "list", default: "" },
  "auto.create.topics.enable": { type: "boolean", default: "true" },
  "delete.topic.enable": { type: "boolean", default: "true" },
  "num.partitions": { type: "int", default: "1" },
  "default.replication.factor": { type: "int", default: "1" },
  "offsets.topic.num.partitions": { type: "int", default: "1" },
  "offsets.topic.replication.factor": { type: "short", default: "1" },
  "offsets.topic.segment.bytes": { type: "int", default: String(16 * 1024 * 1024) },
  "offsets.retention.minutes": { type: "int", default: "10080" },
  "offsets.retention.check.interval.ms": { type: "long", default: String(10 * MINUTE) },
  "offset.metadata.max.bytes": { type: "int", default: "4096" },
  "group.initial.rebalance.delay.ms": { type: "int", default: "0" },
  "group.min.session.timeout.ms": { type: "int", default: "6000" },
  "group.max.session.timeout.ms": { type: "int", default: String(30 * MINUTE) },
  "group.max.size": { type: "int", default: "2147483647" },
  "transaction.max.timeout.ms": { type: "int", default: String(15 * MINUTE) },
  "transactional.id.expiration.ms": { type: "int", default: "604800000" },
  "producer.id.expiration.ms": { type: "int", default: "86400000" },
  "socket.request.max.bytes": { type: "int", default: "104857600" },
  "connections.max.idle.ms": { type: "long", default: String(10 * MINUTE) },
  // Kafka's default is 55 MiB. A smaller answer is as good to every client, and bounds what a fetch holds in memory.
  "fetch.max.bytes": { type: "int", default: String(8 * 1024 * 1024) },
  "log.retention.check.interval.ms": { type: "long", default: String(5 * MINUTE) },
  "log.retention.minutes": { type: "int", default: null },
  "log.retention.hours": { type: "int", default: "168" },
  "log.roll.hours": { type: "int", default: "168" },
  "log.roll.jitter.hours": { type: "int", default: "0" },
  "log.flush.scheduler.interval.ms": { type: "long", default: "1000" },
  "log.cleaner.enable": { type: "boolean", default: "true" },
  "log.cleaner.backoff.ms": { type: "long", default: "15000" },
  "log.cleaner.dedupe.buffer.size": { type: "long", default: String(32 * 1024 * 1024) },
  "millrace.lenient.replication": { type: "boolean", default: "true" },
  "millrace.segment.bytes.min": { type: "int", default: "1048576" },
};

/** All properties the broker knows, topic defaults included. */
export const BROKER_KEYS: Readonly<Record<string, BrokerKey>> = (() => {
  const keys: Record<string, BrokerKey> = { ...OWN_KEYS };
  for (const [name, key] of Object.entries(TOPIC_CONFIG_KEYS)) {
    // Where a larger unit has the default, the ms form has none, as in Kafka.
    const value = SYNONYM_UNITS[name] ? null : key.default;
    if (key.synonym) keys[key.synonym] ??= { type: key.type, default: value };
  }
  return keys;
})();

/** Where a value of a broker property comes from, with DescribeConfigs' number. */
export const CONFIG_SOURCES = { topic: 1, dynamicBroker: 2, dynamicDefault: 3, static: 4, default: 5 } as const;

export interface SourcedValue {
  readonly value: string | null;
  readonly source: number;
}

/** A property that does not hold what its type asks for. The caller turns it into its own floor's error. */
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
 * The broker's properties: what was given at the start, and over it what clients have set with IncrementalAlterConfigs
 * (for this node, or as default of all nodes).
 */
export class BrokerProperties {
  readonly #given: Readonly<Record<string, string>>;
  #dynamic: Readonly<Record<string, string>> = {};
  #dynamicDefault: Readonly<Record<string, string>> = {};

  /** @throws BrokerPropertyError for a value that is not of its type. Unknown keys are kept and have no effect. */
  constructor(given: Readonly<Record<string, string>>) {
    this.#given = given;
    for (const [name, value] of Object.entries(given)) {
      const type = BROKER_KEYS[name]?.type;
      if (type === "boolean" && !/^(true|false)$/i.test(value))
        throw new BrokerPropertyError(name, `expected true or false, got ${value}`);
      const numeric = type === "int" || type === "long" || type === "short" || type === "double";
      if (numeric && (value.trim() === "" || !Number.isFinite(Number(value)))) {
        throw new BrokerPropertyError(name, `expected a number, got ${value}`);
      }
    }
  }

  /** Names that were given and are not known: worth a warning, as they have no effect. */
  get unknown(): string[] {
    return Object.keys(this.#given).filter((name) => !Object.hasOwn(BROKER_KEYS, name));
  }

  /** Takes over what clients have set; called at start and after each change. */
  setDynamic(ofNode: Readonly<Record<string, string>>, ofAll: Readonly<Record<string, string>>): void {
    this.#dynamic = ofNode;
    this.#dynamicDefault = ofAll;
  }

  /** All values of a property, the one in force first. */
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

  /** The value in force; undefined when there is none. */
  text(name: string): string | undefined {
    return (
      this.#dynamic[name] ?? this.#dynamicDefault[name] ?? this.#given[name] ?? BROKER_KEYS[name]?.default ?? undefined
    );
  }

  number(name: string): number {
    return Number(this.text(name));
  }

  flag(name: string): boolean {
    return this.text(name)?.toLowerCase() === "true";
  }

  /** The value of a property and its source, where it was set by someone; undefined where only the default stands. */
  set(name: string): SourcedValue | undefined {
    const first = this.sources(name)[0];
    return first && first.source !== CONFIG_SOURCES.default ? first : undefined;
  }
}

/** DescribeConfigs' number of a property's type. */
export function configTypeOf(name: string): number {
  return CONFIG_TYPES[BROKER_KEYS[name]?.type ?? "string"];
}
