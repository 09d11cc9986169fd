import { describeAcls as api } from "../../protocol/apis/describe-acls.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { type EncodedAcl, encodedAcl } from "../access/acl.js";
import { aclFilterFault, matchesFilter } from "../access/acl-filter.js";
import { defineHandler } from "../handler.js";
import { aclsOf } from "./acl-changes.js";

/** DescribeAcls (key 29), v1-v3. Lists the ACLs that match a filter, by resource. v2: flexible; v3: users. */
export const describeAcls = defineHandler(api, {
  versions: [1, 3],
  authorize: toCluster("DESCRIBE"),
  handle(filter, call) {
    if (!call.broker.authorizer) return refused(ErrorCodes.SECURITY_DISABLED, "No Authorizer is configured.");
    const fault = aclFilterFault(filter);
    if (fault !== undefined) return refused(ErrorCodes.INVALID_REQUEST, fault);
    const byResource = new Map<string, EncodedAcl[]>();
    for (const acl of aclsOf(call)) {
      if (!matchesFilter(filter, acl)) continue;
      const key = `${acl.resourceType} ${acl.patternType} ${acl.resourceName}`;
      byResource.set(key, [...(byResource.get(key) ?? []), encodedAcl(acl)]);
    }
    const resources = [...byResource.values()].map((acls) => {
      const { resourceType, resourceName, patternType } = acls[0]!;
      return { resourceType, resourceName, patternType, acls };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, resources };
  },
  refuse: (_, errorCode) => refused(errorCode, null),
});

function refused(errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, errorCode, errorMessage, resources: [] };
}
