import { defineApi } from "../api.js";
import { bool, i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * AlterConfigs (key 33), v0-v2.
 * Replaces all configs of a resource by those in the request. v2: flexible.
 */
export const alterConfigs = defineApi({
  key: 33,
  name: "AlterConfigs",
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    resources: structs({
      resourceType: i8,
      resourceName: str,
      configs: structs({ name: str, value: str.nullable() }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    responses: structs({ errorCode: i16, errorMessage: message.nullable(), resourceType: i8, resourceName: str }),
  },
});
