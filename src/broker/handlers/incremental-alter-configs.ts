import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { incrementalAlterConfigs as api } from "../../protocol/apis/incremental-alter-configs.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { BROKER_KEYS, BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import { type Broker, defineHandler } from "../handler.js";
import { TOPIC_CONFIG_KEYS } from "../topics/config-keys.js";
import { type ConfigChange, judgeTopicConfig, planConfigChanges, topicConfigSources } from "../topics/topic-config.js";
import { BROKER_RESOURCE, isDynamic, TOPIC_RESOURCE } from "./config-resources.js";

type Resource = RequestOf<typeof api>["resources"][number];
type ResourceAnswer = ResponseInput<typeof api>["responses"][number];

/**
 * IncrementalAlterConfigs (key 44), v0-v1.
 * Sets, removes, appends to and subtracts from settings of topics, of this broker, or (name "") of all brokers; in
 * force when this is answered. v1: flexible.
 */
export const incrementalAlterConfigs = defineHandler(api, {
  versions: [0, 1],
  handle({ resources, validateOnly }, { broker }) {
    const counts = new Map<string, number>();
    const keyOf = ({ resourceType, resourceName }: Resource) => `${resourceType} ${resourceName}`;
    for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1);
    const responses = resources.map((resource) => {
      if (counts.get(keyOf(resource))! > 1)
        return refused(resource, "INVALID_REQUEST", "Each resource must appear at most once.");
      const changes = resource.configs.map(({ name, configOperation, value }) => {
        return { name, operation: configOperation, value };
      });
      if (resource.resourceType === TOPIC_RESOURCE) return alterTopic(resource, changes, validateOnly, broker);
      if (resource.resourceType === BROKER_RESOURCE) return alterBroker(resource, changes, validateOnly, broker);
      return refused(resource, "INVALID_REQUEST", `Resources of type ${resource.resourceType} have no settings here.`);
    });
    return { throttleTimeMs: 0, responses };
  },
});

function alterTopic(
  resource: Resource,
  changes: readonly ConfigChange[],
  validateOnly: boolean,
  { topics, properties }: Broker,
): ResourceAnswer {
  const topic = topics.get(resource.resourceName);
  if (!topic) {
    return refused(resource, "UNKNOWN_TOPIC_OR_PARTITION", `The topic '${resource.resourceName}' does not exist.`);
  }
  const unknown = changes.find(({ name }) => !Object.hasOwn(TOPIC_CONFIG_KEYS, name));
  if (unknown) return refused(resource, "INVALID_CONFIG", `Unknown topic config name: ${unknown.name}`);
  const plan = planConfigChanges(
    topic.configs,
    changes,
    (name) => TOPIC_CONFIG_KEYS[name]!.type === "list",
    (name) => topicConfigSources(name, {}, properties)[0]!.value!,
  );
  if (plan.kind !== "changed") return refusedBy(resource, plan);
  const fault = judgeTopicConfig(plan.overrides, properties);
  if (fault) return refused(resource, "INVALID_CONFIG", fault);
  if (!validateOnly) topics.configure(topic.name, plan.overrides);
  return done(resource);
}

function alterBroker(
  resource: Resource,
  changes: readonly ConfigChange[],
  validateOnly: boolean,
  { nodeId, state, properties, topics }: Broker,
): ResourceAnswer {
  const ofAll = resource.resourceName === "";
  if (!ofAll && resource.resourceName !== String(nodeId)) {
    return refused(resource, "INVALID_REQUEST", `There is no broker ${resource.resourceName}, only ${nodeId}.`);
  }
  const fixed = changes.find(({ name }) => !isDynamic(name));
  if (fixed) return refused(resource, "INVALID_CONFIG", `Cannot update these configs dynamically: ${fixed.name}`);
  const { nodeConfigs, defaultConfigs } = state.metadata;
  const plan = planConfigChanges(
    ofAll ? defaultConfigs : nodeConfigs,
    changes,
    (name) => BROKER_KEYS[name]?.type === "list",
    (name) => properties.text(name) ?? "",
  );
  if (plan.kind !== "changed") return refusedBy(resource, plan);
  const fault = brokerConfigFault(plan.overrides);
  if (fault) return refused(resource, "INVALID_CONFIG", fault);
  if (validateOnly) return done(resource);
  state.update(ofAll ? { defaultConfigs: plan.overrides } : { nodeConfigs: plan.overrides });
  properties.setDynamic(state.metadata.nodeConfigs, state.metadata.defaultConfigs);
  topics.refreshConfigs();
  return done(resource);
}

function brokerConfigFault(configs: Readonly<Record<string, string>>): string | undefined {
  try {
    const asTopics: Record<string, string> = {};
    for (const [name, { synonym }] of Object.entries(TOPIC_CONFIG_KEYS)) {
      const value = synonym === undefined ? undefined : configs[synonym];
      if (value !== undefined) asTopics[name] = value;
    }
    return judgeTopicConfig(asTopics, new BrokerProperties(configs));
  } catch (error) {
    if (error instanceof BrokerPropertyError) return error.message;
    throw error;
  }
}

function refusedBy(resource: Resource, plan: { kind: "invalid-request" | "invalid-config"; message: string }) {
  return refused(resource, plan.kind === "invalid-request" ? "INVALID_REQUEST" : "INVALID_CONFIG", plan.message);
}

function done({ resourceType, resourceName }: Resource): ResourceAnswer {
  return { errorCode: ErrorCodes.NONE, errorMessage: null, resourceType, resourceName };
}

function refused({ resourceType, resourceName }: Resource, error: ErrorName, errorMessage: string): ResourceAnswer {
  return { errorCode: ErrorCodes[error], errorMessage, resourceType, resourceName };
}
