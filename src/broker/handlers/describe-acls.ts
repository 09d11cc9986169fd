import { describeAcls as api } from "../../protocol/apis/describe-acls.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import {
  type AclBinding,
  CLUSTER_NAME,
  OPERATIONS,
  PATTERN_TYPES,
  PERMISSIONS,
  RESOURCE_TYPES,
} from "../access/acl.js";
import { aclFilterFault, matchesFilter } from "../access/acl-filter.js";
import { defineHandler } from "../handler.js";
import { aclsOf } from "./acl-changes.js";

/** DescribeAcls (key 29), v1-v3. Lists the ACLs that a filter means, by resource. v2: flexible; v3: users. */
export const describeAcls = defineHandler(api, {
  versions: [1, 3],
  authorize: (_, access) => {
    return access.allows("DESCRIBE", "CLUSTER", CLUSTER_NAME) ? "NONE" : "CLUSTER_AUTHORIZATION_FAILED";
  },
  handle(filter, call) {
    if (!call.broker.authorizer) return refused(ErrorCodes.SECURITY_DISABLED, "No Authorizer is configured.");
    const fault = aclFilterFault(filter);
    if (fault !== undefined) return refused(ErrorCodes.INVALID_REQUEST, fault);
    const byResource = new Map<string, AclBinding[]>();
    for (const acl of aclsOf(call)) {
      if (!matchesFilter(filter, acl)) continue;
      const key = `${acl.resourceType} ${acl.patternType} ${acl.resourceName}`;
      byResource.set(key, [...(byResource.get(key) ?? []), acl]);
    }
    const resources = [...byResource.values()].map((acls) => {
      const { resourceType, resourceName, patternType } = acls[0]!;
      return {
        resourceType: RESOURCE_TYPES[resourceType],
        resourceName,
        patternType: PATTERN_TYPES[patternType],
        acls: acls.map(({ principal, host, operation, permission }) => {
          return { principal, host, operation: OPERATIONS[operation], permissionType: PERMISSIONS[permission] };
        }),
      };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, resources };
  },
  refuse: (_, errorCode) => refused(errorCode, null),
});

function refused(errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, errorCode, errorMessage, resources: [] };
}
