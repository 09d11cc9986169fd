import { ACL_FILTER_FIELDS } from "../acl-filter-fields.js";
import { defineApi } from "../api.js";
import { i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DescribeAcls (key 29), v1-v3.
 * Lists the ACLs that match a filter. v1: kinds of names (KIP-290); v2: flexible; v3: users as resources.
 */
export const describeAcls = defineApi({
  key: 29,
  name: "DescribeAcls",
  versions: [1, 3],
  flexibleFrom: 2,
  request: ACL_FILTER_FIELDS,
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: message.nullable().or(null),
    resources: structs({
      resourceType: i8,
      resourceName: str,
      patternType: i8,
      acls: structs({ principal: str, host: str, operation: i8, permissionType: i8 }),
    }),
  },
});
