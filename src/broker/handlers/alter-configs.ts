import { alterConfigs as api } from "../../protocol/apis/alter-configs.js";
import { defineHandler } from "../handler.js";
import { planConfigReplacement } from "../topics/topic-config.js";
import { alterResources } from "./config-alteration.js";

/**
 * AlterConfigs (key 33), v0-v2.
 * Replaces the settings of topics, of groups, of this broker, or (name "") of all brokers: keys that are not named return to their
 * defaults. In effect when this is answered. v2: flexible.
 */
export const alterConfigs = defineHandler(api, {
  versions: [0, 2],
  authorize: "by resource",
  async handle({ resources, validateOnly }, call) {
    const alterations = resources.map(({ resourceType, resourceName, configs }) => {
      return { resourceType, resourceName, plan: () => planConfigReplacement(configs) };
    });
    return { throttleTimeMs: 0, responses: await alterResources(alterations, validateOnly, call) };
  },
});
