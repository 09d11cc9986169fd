import { ACL_FILTER_FIELDS } from "../acl-filter-fields.js";
import { defineApi } from "../api.js";
import { i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DeleteAcls (key 31), v1-v3.
 * Removes the ACLs that match filters. v1: kinds of names (KIP-290); v2: flexible; v3: users as resources.
 */
export const deleteAcls = defineApi({
  key: 31,
  name: "DeleteAcls",
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    filters: structs(ACL_FILTER_FIELDS),
  },
  response: {
    throttleTimeMs: i32,
    filterResults: structs({
      errorCode: i16,
      errorMessage: message.nullable().or(null),
      matchingAcls: structs({
        errorCode: i16,
        errorMessage: message.nullable().or(null),
        resourceType: i8,
        resourceName: str,
        patternType: i8,
        principal: str,
        host: str,
        operation: i8,
        permissionType: i8,
      }),
    }),
  },
});
