import { type BrokerKey, OWN_KEYS } from "./broker-keys.js";
import { refusalOf } from "./property-refusals.js";
import { CONFIG_TYPES, faultOf, SYNONYM_UNITS, splitList, TOPIC_CONFIG_KEYS } from "./topics/config-keys.js";

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

const LISTENER_PREFIX = "listener.name.";
const LISTENER_KEY = /^listener\.name\.([^.]+)\./;
const MECHANISM_KEY = /^(plain|scram-sha-256|scram-sha-512|oauthbearer)\./;

/** The sources of a property's value, with DescribeConfigs' numbers. */
export const CONFIG_SOURCES = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefault: 3,
  static: 4,
  default: 5,
  group: 8,
} as const;

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
      const bare = LISTENER_KEY.test(name) ? name.replace(LISTENER_KEY, "").replace(MECHANISM_KEY, "") : name;
      const key = Object.hasOwn(BROKER_KEYS, bare) ? BROKER_KEYS[bare] : undefined;
      const min = name === "log.segment.bytes" ? this.number("millrace.segment.bytes.min") : undefined;
      const fault = key && faultOf(key, value, min);
      if (fault) throw new BrokerPropertyError(name, `invalid value ${value}: ${fault}`);
    }
  }

  /** Unknown property names, for a warning: they have no effect. */
  get unknown(): string[] {
    return Object.keys(this.#given).filter(
      (name) => !Object.hasOwn(BROKER_KEYS, name) && !name.startsWith(LISTENER_PREFIX),
    );
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

  /**
   * The properties of one listener: those with the prefix `listener.name.NAME.` over those without.
   *
   * @param name as in `listeners`; the prefix has it in lower case.
   */
  ofListener(name: string): (key: string) => string | undefined {
    const prefix = `${LISTENER_PREFIX}${name.toLowerCase()}.`;
    return (key) => this.#dynamic[prefix + key] ?? this.#given[prefix + key] ?? this.text(key);
  }

  /** These properties with other settings of this node. */
  withNodeConfigs(nodeConfigs: Readonly<Record<string, string>>): BrokerProperties {
    const other = new BrokerProperties(this.#given);
    other.setDynamic(nodeConfigs, this.#dynamicDefault);
    return other;
  }

  /** The names of the listeners that have properties of their own, in lower case. */
  get namedListeners(): ReadonlySet<string> {
    const named = Object.keys(this.#given).flatMap((key) => LISTENER_KEY.exec(key)?.[1] ?? []);
    return new Set(named);
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
  return CONFIG_TYPES[typeOf(name)];
}

/** Whether a property's value is never shown. */
export function isSensitive(name: string): boolean {
  return typeOf(name) === "password";
}

function typeOf(name: string): BrokerKey["type"] {
  return BROKER_KEYS[name.replace(LISTENER_KEY, "")]?.type ?? "string";
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
