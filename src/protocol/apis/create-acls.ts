import { defineApi } from "../api.js";
import { i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * CreateAcls (key 30), v1-v3.
 * Adds ACLs. v1: kinds of names (KIP-290); v2: flexible; v3: users as resources.
 */
export const createAcls = defineApi({
  key: 30,
  name: "CreateAcls",
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    creations: structs({
      resourceType: i8,
      resourceName: str,
      resourcePatternType: i8,
      principal: str,
      host: str,
      operation: i8,
      permissionType: i8,
    }),
  },
  response: {
    throttleTimeMs: i32,
    results: structs({ errorCode: i16, errorMessage: message.nullable().or(null) }),
  },
});
