import { type BrokerProperties, CONFIG_SOURCES, type SourcedValue } from "../broker-properties.js";

/** The settings that a client has made for a group. */
export type GroupOverrides = Readonly<Record<string, string>>;

interface GroupConfigKey {
  /** The broker property that is the default of all groups. */
  readonly synonym: string;
  /** The broker properties that bound the value. */
  readonly min: string;
  readonly max: string;
  readonly doc: string;
}

/** The settings of a group; all are whole numbers. Kafka has others, of groups that this broker does not serve. */
export const GROUP_CONFIG_KEYS: Readonly<Record<string, GroupConfigKey>> = {
  "consumer.session.timeout.ms": {
    synonym: "group.consumer.session.timeout.ms",
    min: "group.consumer.min.session.timeout.ms",
    max: "group.consumer.max.session.timeout.ms",
    doc: "A member of the consumer protocol that sends no heartbeat for this long is removed.",
  },
  "consumer.heartbeat.interval.ms": {
    synonym: "group.consumer.heartbeat.interval.ms",
    min: "group.consumer.min.heartbeat.interval.ms",
    max: "group.consumer.max.heartbeat.interval.ms",
    doc: "How often members of the consumer protocol send heartbeats.",
  },
};

/** All values of a group's key, the effective one first. */
export function groupConfigSources(
  name: string,
  overrides: GroupOverrides,
  broker: BrokerProperties,
): (SourcedValue & { readonly name: string })[] {
  const { synonym } = GROUP_CONFIG_KEYS[name]!;
  const own = overrides[name];
  const ofBroker = broker.sources(synonym).map((each) => ({ name: synonym, ...each }));
  return own === undefined ? ofBroker : [{ name, value: own, source: CONFIG_SOURCES.group }, ...ofBroker];
}

/** The effective value of a group's key. */
export function groupConfigNumber(name: string, overrides: GroupOverrides, broker: BrokerProperties): number {
  return Number(groupConfigSources(name, overrides, broker)[0]!.value);
}

/** The fault of a group's settings, in Kafka's words; undefined if they are valid. */
export function groupConfigFault(overrides: GroupOverrides, broker: BrokerProperties): string | undefined {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(GROUP_CONFIG_KEYS, name)) return `Unknown group config name: ${name}`;
    if (!/^[+-]?\d{1,10}$/.test(value.trim())) {
      return `Invalid value ${value} for configuration ${name}: Not a number of type INT`;
    }
    const { min, max } = GROUP_CONFIG_KEYS[name]!;
    if (Number(value) < broker.number(min)) return `${name} must be greater than or equal to ${min}`;
    if (Number(value) > broker.number(max)) return `${name} must be less than or equal to ${max}`;
  }
  const session = groupConfigNumber("consumer.session.timeout.ms", overrides, broker);
  const heartbeat = groupConfigNumber("consumer.heartbeat.interval.ms", overrides, broker);
  if (session > heartbeat) return undefined;
  return "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms";
}
