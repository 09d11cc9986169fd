import { defineApi } from "../api.js";
import { bool, i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * IncrementalAlterConfigs (key 44), v0-v1.
 * Changes single configs: operation 0 sets, 1 deletes, 2 appends to and 3 subtracts from a list. v1: flexible.
 */
export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    resources: structs({
      resourceType: i8,
      resourceName: str,
      configs: structs({ name: str, configOperation: i8, value: str.nullable() }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    responses: structs({ errorCode: i16, errorMessage: message.nullable(), resourceType: i8, resourceName: str }),
  },
});
