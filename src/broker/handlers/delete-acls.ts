import type { RequestOf } from "../../protocol/api.js";
import { deleteAcls as api } from "../../protocol/apis/delete-acls.js";
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
import { ACLS_TURN, aclsOf, changeAcls } from "./acl-changes.js";
import { storageRefusal } from "./storage-refusal.js";

/** DeleteAcls (key 31), v1-v3. Removes the ACLs that each filter means, and answers which. v2: flexible; v3: users. */
export const deleteAcls = defineHandler(api, {
  versions: [1, 3],
  authorize: (_, access) => {
    return access.allows("ALTER", "CLUSTER", CLUSTER_NAME) ? "NONE" : "CLUSTER_AUTHORIZATION_FAILED";
  },
  handle(request, call) {
    const { authorizer, topics, logger } = call.broker;
    if (!authorizer) return refused(request, ErrorCodes.SECURITY_DISABLED, "No Authorizer is configured.");
    return topics.inTurn(ACLS_TURN, async () => {
      const acls = aclsOf(call);
      const matching = request.filters.map((filter) => {
        return aclFilterFault(filter) === undefined ? acls.filter((acl) => matchesFilter(filter, acl)) : [];
      });
      try {
        await changeAcls("delete-acl", [...new Set(matching.flat())], call);
      } catch (cause) {
        const { error, message } = storageRefusal(logger, "Removing ACLs failed", ACLS_TURN, cause);
        return refused(request, ErrorCodes[error], message);
      }
      const filterResults = request.filters.map((filter, at) => {
        const fault = aclFilterFault(filter) ?? null;
        const errorCode = fault === null ? ErrorCodes.NONE : ErrorCodes.INVALID_REQUEST;
        return { errorCode, errorMessage: fault, matchingAcls: matching[at]!.map(encoded) };
      });
      return { throttleTimeMs: 0, filterResults };
    });
  },
  refuse: (request, errorCode) => refused(request, errorCode, null),
});

function encoded({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclBinding) {
  return {
    errorCode: ErrorCodes.NONE,
    resourceType: RESOURCE_TYPES[resourceType],
    resourceName,
    patternType: PATTERN_TYPES[patternType],
    principal,
    host,
    operation: OPERATIONS[operation],
    permissionType: PERMISSIONS[permission],
  };
}

function refused({ filters }: RequestOf<typeof api>, errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, filterResults: filters.map(() => ({ errorCode, errorMessage, matchingAcls: [] })) };
}
