import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { topicNameFault } from "../../protocol/topic-name.js";
import { BROKER_KEYS, BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import { groupConfigFault, groupConfigSources } from "../groups/group-config.js";
import type { Broker, Call } from "../handler.js";
import { isCertificateKey } from "../security/listener-certificates.js";
import { TOPIC_CONFIG_KEYS } from "../topics/config-keys.js";
import {
  type ConfigChangeVerdict,
  configValueFault,
  judgeTopicConfig,
  type TopicOverrides,
  topicConfigSources,
} from "../topics/topic-config.js";
import { BROKER_RESOURCE, deniedResource, GROUP_RESOURCE, isDynamic, TOPIC_RESOURCE } from "./config-resources.js";
import { storageRefusal } from "./storage-refusal.js";

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** The facts about a resource's keys that planning a change needs. */
interface ResourceKeys {
  readonly isList: (name: string) => boolean;
  /** The effective value of a key that the resource itself does not set. */
  readonly inForce: (name: string) => string;
}

/** One resource of an AlterConfigs or IncrementalAlterConfigs request. */
export interface Alteration extends Resource {
  /** Returns the resource's settings after the change. */
  readonly plan: (current: TopicOverrides, keys: ResourceKeys) => ConfigChangeVerdict;
}

/** The answer for one resource, of both APIs. */
interface ResourceAnswer extends Resource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** The turns of the brokers' and the groups' settings; no topic has these names. */
const BROKERS_TURN = "";
const GROUPS_TURN = "settings of groups";

/** Judges each resource separately, with the errors of Kafka's broker and controller, and changes those that pass. */
export async function alterResources(
  alterations: readonly Alteration[],
  validateOnly: boolean,
  { broker, access }: Call,
): Promise<ResourceAnswer[]> {
  const counts = new Map<string, number>();
  const keyOf = ({ resourceType, resourceName }: Resource) => `${resourceType} ${resourceName}`;
  for (const each of alterations) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  const answers = alterations.map(async (alteration) => {
    const { resourceType, resourceName } = alteration;
    if (counts.get(keyOf(alteration))! > 1) {
      return refused(alteration, "INVALID_REQUEST", "Each resource must appear at most once.");
    }
    const denied = deniedResource("ALTER_CONFIGS", alteration, access);
    if (denied) return refused(alteration, denied, "Authorization failed.");
    try {
      // In turn, as a change begins with the settings that the one before it made.
      if (resourceType === TOPIC_RESOURCE) {
        return await broker.topics.inTurn(resourceName, () => alterTopic(alteration, validateOnly, broker));
      }
      if (resourceType === BROKER_RESOURCE) {
        return await broker.topics.inTurn(BROKERS_TURN, () => alterBroker(alteration, validateOnly, broker));
      }
      if (resourceType === GROUP_RESOURCE) {
        return await broker.topics.inTurn(GROUPS_TURN, () => alterGroup(alteration, validateOnly, broker));
      }
    } catch (cause) {
      const { error, message } = storageRefusal(broker.logger, "Altering settings failed", resourceName, cause);
      return refused(alteration, error, message);
    }
    return refused(alteration, "INVALID_REQUEST", `Unknown resource type ${resourceType}`);
  });
  return Promise.all(answers);
}

async function alterTopic(
  alteration: Alteration,
  validateOnly: boolean,
  { topics, properties }: Broker,
): Promise<ResourceAnswer> {
  const { resourceName } = alteration;
  const topic = topics.get(resourceName);
  const plan = alteration.plan(topic?.configs ?? {}, {
    isList: (name) => Object.hasOwn(TOPIC_CONFIG_KEYS, name) && TOPIC_CONFIG_KEYS[name]!.type === "list",
    inForce: (name) => topicConfigSources(name, {}, properties)[0]!.value!,
  });
  if (plan.kind === "invalid-request") return refused(alteration, "INVALID_REQUEST", plan.message);
  if (resourceName === "") {
    return refused(alteration, "INVALID_REQUEST", "Default topic resources are not allowed.");
  }
  const nameFault = topicNameFault(resourceName);
  if (nameFault) return refused(alteration, "INVALID_TOPIC_EXCEPTION", nameFault);
  if (plan.kind === "invalid-config") return refused(alteration, "INVALID_CONFIG", plan.message);
  const fault = judgeTopicConfig(plan.overrides, properties);
  if (fault) return refused(alteration, "INVALID_CONFIG", fault);
  if (!topic) {
    return refused(alteration, "UNKNOWN_TOPIC_OR_PARTITION", `The topic '${resourceName}' does not exist.`);
  }
  if (!validateOnly) await topics.configure(topic.name, plan.overrides);
  return done(alteration);
}

async function alterBroker(
  alteration: Alteration,
  validateOnly: boolean,
  { nodeId, state, properties, certificates, topics }: Broker,
): Promise<ResourceAnswer> {
  const { resourceName } = alteration;
  const ofAll = resourceName === "";
  const { nodeConfigs, defaultConfigs } = state.metadata;
  const plan = alteration.plan(ofAll ? defaultConfigs : nodeConfigs, {
    isList: (name) => Object.hasOwn(BROKER_KEYS, name) && BROKER_KEYS[name]!.type === "list",
    inForce: (name) => properties.text(name) ?? "",
  });
  if (plan.kind === "invalid-request") return refused(alteration, "INVALID_REQUEST", plan.message);
  if (!ofAll && resourceName !== String(nodeId)) {
    const message = /^[+-]?\d+$/.test(resourceName)
      ? `Unexpected broker id, expected ${nodeId}, but received ${resourceName}`
      : `Node id must be an integer, but it is: ${resourceName}`;
    return refused(alteration, "INVALID_REQUEST", message);
  }
  if (plan.kind === "invalid-config") return refused(alteration, "INVALID_CONFIG", plan.message);
  const fault =
    fixedFault(Object.keys(plan.overrides), ofAll) ??
    brokerConfigFault(plan.overrides, properties) ??
    (ofAll ? undefined : certificates.fault(plan.overrides));
  // INVALID_CONFIG would fit better, but Kafka answers that only for topics (KAFKA-13609).
  if (fault) return refused(alteration, "INVALID_REQUEST", fault);
  if (validateOnly) return done(alteration);
  await state.change({ kind: ofAll ? "default-configs" : "node-configs", configs: plan.overrides });
  properties.setDynamic(state.metadata.nodeConfigs, state.metadata.defaultConfigs);
  topics.refreshConfigs();
  certificates.reload();
  return done(alteration);
}

async function alterGroup(
  alteration: Alteration,
  validateOnly: boolean,
  { state, properties }: Broker,
): Promise<ResourceAnswer> {
  const { resourceName } = alteration;
  const current = state.metadata.groupConfigs.get(resourceName) ?? {};
  const plan = alteration.plan(current, {
    isList: () => false,
    inForce: (name) => groupConfigSources(name, {}, properties)[0]!.value!,
  });
  if (plan.kind === "invalid-request") return refused(alteration, "INVALID_REQUEST", plan.message);
  if (resourceName === "") {
    return refused(alteration, "INVALID_REQUEST", "Default group resources are not allowed.");
  }
  if (plan.kind === "invalid-config") return refused(alteration, "INVALID_CONFIG", plan.message);
  const fault = groupConfigFault(plan.overrides, properties);
  if (fault) return refused(alteration, "INVALID_CONFIG", fault);
  if (!validateOnly) await state.change({ kind: "group-configs", group: resourceName, configs: plan.overrides });
  return done(alteration);
}

/** The fault of settings that do not take effect while the broker runs, or not for all brokers; undefined: none. */
function fixedFault(names: readonly string[], ofAll: boolean): string | undefined {
  const ofListeners = names.filter(isCertificateKey);
  if (ofAll && ofListeners.length > 0) {
    return `Cannot update these configs at default cluster level, broker id must be specified: [${ofListeners.join(", ")}]`;
  }
  const unprefixed = names.filter((name) => isCertificateKey(`listener.name.any.${name}`));
  if (unprefixed.length > 0) {
    return `These security configs can be dynamically updated only per-listener using the listener prefix: [${unprefixed.join(", ")}]`;
  }
  const fixed = names.filter((name) => !isDynamic(name) && !isCertificateKey(name));
  return fixed.length > 0 ? `Cannot update these configs dynamically: [${fixed.join(", ")}]` : undefined;
}

/** The fault of broker settings: of each by itself, and of the topics' defaults together; undefined: none. */
function brokerConfigFault(configs: TopicOverrides, properties: BrokerProperties): string | undefined {
  const asTopics: Record<string, string> = {};
  for (const [name, key] of Object.entries(TOPIC_CONFIG_KEYS)) {
    const value = key.synonym === undefined ? undefined : configs[key.synonym];
    if (value === undefined) continue;
    const fault = configValueFault(name, value, properties);
    if (fault) return `Invalid value ${value} for configuration ${key.synonym}: ${fault}`;
    asTopics[name] = value;
  }
  try {
    return judgeTopicConfig(asTopics, new BrokerProperties(configs));
  } catch (error) {
    if (error instanceof BrokerPropertyError) return error.message;
    throw error;
  }
}

function done({ resourceType, resourceName }: Resource): ResourceAnswer {
  return { errorCode: ErrorCodes.NONE, errorMessage: null, resourceType, resourceName };
}

function refused({ resourceType, resourceName }: Resource, error: ErrorName, errorMessage: string): ResourceAnswer {
  return { errorCode: ErrorCodes[error], errorMessage, resourceType, resourceName };
}
