import type { RequestOf } from "../../protocol/api.js";
import { deleteAcls as api } from "../../protocol/apis/delete-acls.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { encodedAcl } from "../access/acl.js";
import { aclFilterFault, matchesFilter } from "../access/acl-filter.js";
import { defineHandler } from "../handler.js";
import { ACLS_TURN, aclsOf, changeAcls } from "./acl-changes.js";
import { storageRefusal } from "./storage-refusal.js";

/** DeleteAcls (key 31), v1-v3. Removes the ACLs that match each filter, and lists them. v2: flexible; v3: users. */
export const deleteAcls = defineHandler(api, {
  versions: [1, 3],
  authorize: toCluster("ALTER"),
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
        const matchingAcls = matching[at]!.map((acl) => ({ errorCode: ErrorCodes.NONE, ...encodedAcl(acl) }));
        return { errorCode, errorMessage: fault, matchingAcls };
      });
      return { throttleTimeMs: 0, filterResults };
    });
  },
  refuse: (request, errorCode) => refused(request, errorCode, null),
});

function refused({ filters }: RequestOf<typeof api>, errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, filterResults: filters.map(() => ({ errorCode, errorMessage, matchingAcls: [] })) };
}
