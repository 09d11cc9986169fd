import { alterUserScramCredentials as api } from "../../protocol/apis/alter-user-scram-credentials.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { type Call, defineHandler } from "../handler.js";
import { planScramChanges, type ScramPlan } from "../security/plan-scram-changes.js";
import { storageRefusal } from "./storage-refusal.js";

/** The turn of the SCRAM users; no topic has this name. */
const USERS_TURN = "/scram-users";

/**
 * AlterUserScramCredentials (key 51), v0.
 * Sets and removes passwords of users for SCRAM. In effect when this is answered, for new connections.
 */
export const alterUserScramCredentials = defineHandler(api, {
  versions: [0, 0],
  authorize: toCluster("ALTER"),
  handle({ deletions, upsertions }, call) {
    const { topics, state } = call.broker;
    return topics.inTurn(USERS_TURN, async () => {
      const plans = planScramChanges(deletions, upsertions, state.metadata.scramUsers);
      return { throttleTimeMs: 0, results: await Promise.all(plans.map((plan) => carryOut(plan, call))) };
    });
  },
  refuse: ({ deletions, upsertions }, errorCode) => ({
    throttleTimeMs: 0,
    results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map((user) => ({ user, errorCode })),
  }),
});

async function carryOut(plan: ScramPlan, { broker, session }: Call) {
  const { user } = plan;
  if (plan.kind === "refused") return { user, errorCode: ErrorCodes[plan.error], errorMessage: plan.message };
  try {
    await broker.state.change(...plan.changes);
  } catch (cause) {
    const { error, message } = storageRefusal(broker.logger, "Changing a user's credentials failed", user, cause);
    return { user, errorCode: ErrorCodes[error], errorMessage: message };
  }
  for (const { mechanism, credential } of plan.changes) {
    broker.logger.info(credential ? "Set a user's SCRAM credential" : "Removed a user's SCRAM credential", {
      user,
      mechanism,
      by: session.principal,
    });
  }
  return { user, errorCode: ErrorCodes.NONE };
}
