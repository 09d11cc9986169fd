import { listConfigResources as api } from "../../protocol/apis/list-config-resources.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { type Broker, defineHandler } from "../handler.js";
import {
  BROKER_LOGGER_RESOURCE,
  BROKER_RESOURCE,
  CLIENT_METRICS_RESOURCE,
  GROUP_RESOURCE,
  TOPIC_RESOURCE,
} from "./config-resources.js";

/** In the order of Kafka's answer. */
const NAMES: ReadonlyMap<number, (broker: Broker) => readonly string[]> = new Map<
  number,
  (broker: Broker) => readonly string[]
>([
  [GROUP_RESOURCE, ({ state }) => [...state.metadata.groupConfigs.keys()]],
  [CLIENT_METRICS_RESOURCE, () => []],
  [BROKER_LOGGER_RESOURCE, ({ nodeId }) => [String(nodeId)]],
  [BROKER_RESOURCE, ({ nodeId }) => [String(nodeId)]],
  [TOPIC_RESOURCE, ({ state }) => [...state.metadata.topics.keys()]],
]);

/**
 * ListConfigResources (key 74), v0-v1.
 * Lists the topics, brokers, and groups with settings of their own; there are no settings of client metrics. v1: by type.
 */
export const listConfigResources = defineHandler(api, {
  versions: [0, 1],
  authorize: toCluster("DESCRIBE_CONFIGS"),
  handle({ resourceTypes }, { broker, apiVersion }) {
    const asked = new Set(apiVersion === 0 ? [CLIENT_METRICS_RESOURCE] : resourceTypes);
    if ([...asked].some((type) => !NAMES.has(type))) return refused(ErrorCodes.UNSUPPORTED_VERSION);
    const configResources = [...NAMES].flatMap(([resourceType, namesIn]) => {
      if (asked.size > 0 && !asked.has(resourceType)) return [];
      return namesIn(broker).map((resourceName) => ({ resourceName, resourceType }));
    });
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, configResources };
  },
  refuse: (_, errorCode) => refused(errorCode),
});

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, configResources: [] };
}
