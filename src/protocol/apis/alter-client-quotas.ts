import { defineApi } from "../api.js";
import { bool, f64, i16, i32, message, str, structs } from "../message-fields.js";

const ENTITY = { entityType: str, entityName: str.nullable() };

/** AlterClientQuotas (key 49), v0-v1. Sets and removes quotas of users, client ids and addresses (KIP-546). v1: flexible. */
export const alterClientQuotas = defineApi({
  key: 49,
  name: "AlterClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    entries: structs({ entity: structs(ENTITY), ops: structs({ key: str, value: f64, remove: bool }) }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    entries: structs({ errorCode: i16, errorMessage: message.nullable().or(null), entity: structs(ENTITY) }),
  },
});
