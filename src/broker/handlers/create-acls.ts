import type { RequestOf } from "../../protocol/api.js";
import { createAcls as api } from "../../protocol/apis/create-acls.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { judgeNewAcl } from "../access/judge-new-acl.js";
import { defineHandler } from "../handler.js";
import { ACLS_TURN, changeAcls } from "./acl-changes.js";
import { storageRefusal } from "./storage-refusal.js";

/** CreateAcls (key 30), v1-v3. Adds ACLs; they are in effect when this is answered. v2: flexible; v3: users. */
export const createAcls = defineHandler(api, {
  versions: [1, 3],
  authorize: toCluster("ALTER"),
  handle(request, call) {
    const { authorizer, topics, logger } = call.broker;
    if (!authorizer) return refused(request, ErrorCodes.SECURITY_DISABLED, "No Authorizer is configured.");
    const verdicts = request.creations.map(judgeNewAcl);
    const acls = verdicts.flatMap((verdict) => (verdict.kind === "acl" ? [verdict.acl] : []));
    return topics.inTurn(ACLS_TURN, async () => {
      let failure = { errorCode: ErrorCodes.NONE as number, errorMessage: null as string | null };
      try {
        await changeAcls("acl", acls, call);
      } catch (cause) {
        const { error, message } = storageRefusal(logger, "Adding ACLs failed", ACLS_TURN, cause);
        failure = { errorCode: ErrorCodes[error], errorMessage: message };
      }
      const results = verdicts.map((verdict) => {
        if (verdict.kind === "acl") return failure;
        return { errorCode: ErrorCodes.INVALID_REQUEST, errorMessage: verdict.message };
      });
      return { throttleTimeMs: 0, results };
    });
  },
  refuse: (request, errorCode) => refused(request, errorCode, null),
});

function refused({ creations }: RequestOf<typeof api>, errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, results: creations.map(() => ({ errorCode, errorMessage })) };
}
