import { defineApi } from "../api.js";
import { bool, f64, i8, i16, i32, message, str, structs } from "../message-fields.js";

/** DescribeClientQuotas (key 48), v0-v1. Lists the quotas of the entities that match a filter (KIP-546). v1: flexible. */
export const describeClientQuotas = defineApi({
  key: 48,
  name: "DescribeClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,
  request: { components: structs({ entityType: str, matchType: i8, match: str.nullable() }), strict: bool },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: message.nullable().or(null),
    entries: structs({
      entity: structs({ entityType: str, entityName: str.nullable() }),
      values: structs({ key: str, value: f64 }),
    }).nullable(),
  },
});
