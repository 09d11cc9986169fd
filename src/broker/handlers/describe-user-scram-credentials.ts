import { describeUserScramCredentials as api } from "../../protocol/apis/describe-user-scram-credentials.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { defineHandler } from "../handler.js";
import { MECHANISM_CODES } from "../security/plan-scram-changes.js";
import { isScramMechanism } from "../security/scram.js";

/**
 * DescribeUserScramCredentials (key 50), v0.
 * Lists the users of SCRAM with their mechanisms and iterations, and nothing secret.
 */
export const describeUserScramCredentials = defineHandler(api, {
  versions: [0, 0],
  authorize: toCluster("DESCRIBE"),
  handle({ users }, { broker }) {
    const { scramUsers } = broker.state.metadata;
    const asked = (users ?? []).map(({ name }) => name);
    const counts = new Map<string, number>();
    for (const name of asked) counts.set(name, (counts.get(name) ?? 0) + 1);
    const names = asked.length > 0 ? counts.keys() : scramUsers.keys();
    const results = [...names].map((user) => {
      if ((counts.get(user) ?? 0) > 1) {
        return refused(
          user,
          "DUPLICATE_RESOURCE",
          "Cannot describe SCRAM credentials for the same user twice in a single request",
        );
      }
      const credentials = scramUsers.get(user);
      if (!credentials) {
        return refused(user, "RESOURCE_NOT_FOUND", "Attempt to describe a user credential that does not exist");
      }
      const credentialInfos = Object.entries(credentials).flatMap(([mechanism, { iterations }]) => {
        return isScramMechanism(mechanism) ? [{ mechanism: MECHANISM_CODES[mechanism], iterations }] : [];
      });
      return { user, errorCode: ErrorCodes.NONE, credentialInfos };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, results };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, results: [] }),
});

function refused(user: string, error: ErrorName, reason: string) {
  return { user, errorCode: ErrorCodes[error], errorMessage: `${reason}: ${user}`, credentialInfos: [] };
}
