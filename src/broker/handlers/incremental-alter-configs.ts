import { incrementalAlterConfigs as api } from "../../protocol/apis/incremental-alter-configs.js";
import { defineHandler } from "../handler.js";
import { planConfigChanges } from "../topics/topic-config.js";
import { type Alteration, alterResources } from "./config-alteration.js";

/**
 * IncrementalAlterConfigs (key 44), v0-v1.
 * Sets, deletes, appends to and subtracts from settings of topics, of groups, of this broker, or (name "") of all brokers. In
 * effect when this is answered. v1: flexible.
 */
export const incrementalAlterConfigs = defineHandler(api, {
  versions: [0, 1],
  authorize: "by resource",
  async handle({ resources, validateOnly }, call) {
    const alterations = resources.map(({ resourceType, resourceName, configs }): Alteration => {
      const changes = configs.map(({ name, configOperation, value }) => ({ name, operation: configOperation, value }));
      const plan: Alteration["plan"] = (current, keys) =>
        planConfigChanges(current, changes, keys.isList, keys.inForce);
      return { resourceType, resourceName, plan };
    });
    return { throttleTimeMs: 0, responses: await alterResources(alterations, validateOnly, call) };
  },
});
