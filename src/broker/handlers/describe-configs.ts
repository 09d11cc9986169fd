import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { describeConfigs as api } from "../../protocol/apis/describe-configs.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { topicNameFault } from "../../protocol/topic-name.js";
import { BROKER_KEYS, CONFIG_SOURCES, configTypeOf, isSensitive, type SourcedValue } from "../broker-properties.js";
import { GROUP_CONFIG_KEYS, groupConfigSources } from "../groups/group-config.js";
import { type Broker, type Call, defineHandler } from "../handler.js";
import { isCertificateKey } from "../security/listener-certificates.js";
import { isKeysUrl, shownUrl } from "../security/oauth/shown-url.js";
import { CONFIG_TYPES, TOPIC_CONFIG_KEYS } from "../topics/config-keys.js";
import { topicConfigSources } from "../topics/topic-config.js";
import { BROKER_RESOURCE, deniedResource, GROUP_RESOURCE, isDynamic, TOPIC_RESOURCE } from "./config-resources.js";

type Resource = RequestOf<typeof api>["resources"][number];
type ResourceAnswer = ResponseInput<typeof api>["results"][number];
type ConfigAnswer = ResourceAnswer["configs"][number];

/**
 * DescribeConfigs (key 32), v1-v4.
 * Describes every key of topics, of this broker and of groups with its effective value, not only those that were set: clients read
 * a setting before they change it. v3: types and documentation; v4: flexible.
 */
export const describeConfigs = defineHandler(api, {
  versions: [1, 4],
  authorize: "by resource",
  handle(request, call) {
    const { includeSynonyms, includeDocumentation } = request;
    // A resource that is listed a million times is described once: each takes some kilobytes.
    const distinct = new Map(request.resources.map((each) => [`${each.resourceType} ${each.resourceName}`, each]));
    const results = [...distinct.values()].map((resource) => {
      const answer = describe(resource, call);
      const wanted = new Set(resource.configurationKeys);
      const configs = answer.configs
        .filter(({ name }) => wanted.size === 0 || wanted.has(name))
        .map((config) => ({
          ...config,
          synonyms: includeSynonyms ? (config.synonyms ?? []) : [],
          documentation: includeDocumentation ? (config.documentation ?? null) : null,
        }));
      return { ...answer, configs };
    });
    return { throttleTimeMs: 0, results };
  },
});

function describe(resource: Resource, { broker, access }: Call): ResourceAnswer {
  const denied = deniedResource("DESCRIBE_CONFIGS", resource, access);
  if (denied) return refused(resource, denied, "Authorization failed.");
  const { resourceType, resourceName } = resource;
  if (resourceType === TOPIC_RESOURCE) return describeTopic(resource, broker);
  if (resourceType === GROUP_RESOURCE && resourceName === "") {
    return refused(resource, "INVALID_REQUEST", "Group name must not be empty");
  }
  if (resourceType === GROUP_RESOURCE) return answered(resource, groupConfigs(resourceName, broker));
  if (resourceType !== BROKER_RESOURCE) {
    return refused(resource, "INVALID_REQUEST", `Resources of type ${resourceType} are not described here.`);
  }
  if (resourceName !== "" && resourceName !== String(broker.nodeId)) {
    const message = `Unexpected broker id, expected ${broker.nodeId} or empty string, but received ${resourceName}`;
    return refused(resource, "INVALID_REQUEST", message);
  }
  return answered(resource, resourceName === "" ? clusterDefaults(broker) : brokerConfigs(broker));
}

function describeTopic(resource: Resource, { topics, properties }: Broker): ResourceAnswer {
  const { resourceName } = resource;
  const fault = topicNameFault(resourceName);
  if (fault) return refused(resource, "INVALID_TOPIC_EXCEPTION", fault);
  const topic = topics.get(resourceName);
  if (!topic) {
    return refused(resource, "UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition.");
  }
  const configs = Object.entries(TOPIC_CONFIG_KEYS).map(([name, key]): ConfigAnswer => {
    const sources = topicConfigSources(name, topic.configs, properties);
    const { value, source } = sources[0]!;
    // As in Kafka: the built-in default is listed only if the key has a broker property.
    const synonyms = sources.filter((each) => each.source !== CONFIG_SOURCES.default || key.synonym !== undefined);
    return {
      name,
      value,
      readOnly: false,
      configSource: source,
      isSensitive: false,
      synonyms: synonyms.map(({ name: synonym, value: text, source: from }) => ({
        name: synonym,
        value: text,
        source: from,
      })),
      configType: CONFIG_TYPES[key.type],
      documentation: key.doc,
    };
  });
  return answered(resource, configs);
}

/** The settings of a group, whether there is one of that name or not. */
function groupConfigs(group: string, { state, properties }: Broker): ConfigAnswer[] {
  const overrides = state.metadata.groupConfigs.get(group) ?? {};
  return Object.entries(GROUP_CONFIG_KEYS).map(([name, { doc }]): ConfigAnswer => {
    const synonyms = groupConfigSources(name, overrides, properties);
    const { value, source } = synonyms[0]!;
    return {
      name,
      value,
      readOnly: false,
      configSource: source,
      isSensitive: false,
      synonyms,
      configType: CONFIG_TYPES.int,
      documentation: doc,
    };
  });
}

function brokerConfigs({ properties, state }: Broker): ConfigAnswer[] {
  const ofListeners = Object.keys(state.metadata.nodeConfigs).filter(isCertificateKey);
  return [...Object.keys(BROKER_KEYS), ...ofListeners].map((name) => {
    const isHidden = isSensitive(name);
    const shown = (each: SourcedValue) => {
      if (isHidden) return { ...each, value: null };
      return isKeysUrl(name) && each.value !== null ? { ...each, value: shownUrl(each.value) } : each;
    };
    const sources = properties.sources(name).map(shown);
    const { value, source } = sources[0] ?? { value: null, source: CONFIG_SOURCES.default };
    return {
      name,
      value,
      readOnly: !isDynamic(name) && !isCertificateKey(name),
      configSource: source,
      isSensitive: isHidden,
      synonyms: sources.map((each) => ({ name, ...each })),
      configType: configTypeOf(name),
      documentation: null,
    };
  });
}

/** Only the settings made for all brokers. */
function clusterDefaults({ state }: Broker): ConfigAnswer[] {
  return Object.entries(state.metadata.defaultConfigs).map(([name, value]) => ({
    name,
    value,
    readOnly: false,
    configSource: CONFIG_SOURCES.dynamicDefault,
    isSensitive: false,
    synonyms: [{ name, value, source: CONFIG_SOURCES.dynamicDefault }],
    configType: configTypeOf(name),
    documentation: null,
  }));
}

function answered({ resourceType, resourceName }: Resource, configs: ConfigAnswer[]): ResourceAnswer {
  return { errorCode: ErrorCodes.NONE, errorMessage: null, resourceType, resourceName, configs };
}

function refused({ resourceType, resourceName }: Resource, error: ErrorName, errorMessage: string): ResourceAnswer {
  return { errorCode: ErrorCodes[error], errorMessage, resourceType, resourceName, configs: [] };
}
