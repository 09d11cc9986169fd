import { defineApi } from "../api.js";
import { array, bool, i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DescribeConfigs (key 32), v1-v4.
 * Reads the configs of topics (resource type 2), brokers (4) and groups (32). v3: types and documentation; v4:
 * flexible.
 */
export const describeConfigs = defineApi({
  key: 32,
  name: "DescribeConfigs",
  versions: [1, 4],
  flexibleFrom: 4,
  request: {
    resources: structs({ resourceType: i8, resourceName: str, configurationKeys: array(str).nullable() }),
    includeSynonyms: bool,
    includeDocumentation: bool.from(3),
  },
  response: {
    throttleTimeMs: i32,
    results: structs({
      errorCode: i16,
      errorMessage: message.nullable(),
      resourceType: i8,
      resourceName: str,
      configs: structs({
        name: str,
        value: str.nullable(),
        readOnly: bool,
        configSource: i8.or(-1),
        isSensitive: bool,
        synonyms: structs({ name: str, value: str.nullable(), source: i8 }),
        configType: i8.from(3),
        documentation: str.nullable().from(3),
      }),
    }),
  },
});
