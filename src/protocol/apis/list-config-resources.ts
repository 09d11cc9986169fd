import { defineApi } from "../api.js";
import { array, i8, i16, i32, str, structs } from "../message-fields.js";

/**
 * ListConfigResources (key 74), v0-v1. Lists the resources that have, or may have, settings (KIP-714, KIP-1142). v0: of
 * client metrics alone; v1: of the types that are asked for.
 */
export const listConfigResources = defineApi({
  key: 74,
  name: "ListConfigResources",
  versions: [0, 1],
  flexibleFrom: 0,
  request: { resourceTypes: array(i8).from(1) },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    configResources: structs({ resourceName: str, resourceType: i8.from(1).or(16) }),
  },
});
