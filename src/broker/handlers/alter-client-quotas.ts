import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { alterClientQuotas as api } from "../../protocol/apis/alter-client-quotas.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { type Call, defineHandler } from "../handler.js";
import { quotaKey } from "../metadata/broker-metadata.js";
import type { QuotaEntity } from "../quotas/client-quota.js";
import { planClientQuota, quotaEntity } from "../quotas/plan-client-quota.js";
import { storageRefusal } from "./storage-refusal.js";

type Entry = RequestOf<typeof api>["entries"][number];
type Answer = ResponseInput<typeof api>["entries"][number];

/** The turn of the quotas; no topic has this name. */
const QUOTAS_TURN = "/client-quotas";

/**
 * AlterClientQuotas (key 49), v0-v1.
 * Sets and removes quotas of users, client ids and addresses, all of an entity's or none. In effect when this is
 * answered. v1: flexible.
 */
export const alterClientQuotas = defineHandler(api, {
  versions: [0, 1],
  authorize: toCluster("ALTER_CONFIGS"),
  handle({ entries, validateOnly }, call) {
    return call.broker.topics.inTurn(QUOTAS_TURN, async () => {
      const asked = new Map<string, { readonly first: Entry; isTwice: boolean }>();
      for (const entry of entries) {
        const key = entityKey(entry);
        const known = asked.get(key);
        if (known) known.isTwice = true;
        else asked.set(key, { first: entry, isTwice: new Set(entry.ops.map((op) => op.key)).size < entry.ops.length });
      }
      const answers: Answer[] = [];
      for (const { first, isTwice } of asked.values()) answers.push(await alter(first, isTwice, validateOnly, call));
      return { throttleTimeMs: 0, entries: answers };
    });
  },
  refuse: ({ entries }, errorCode) => ({
    throttleTimeMs: 0,
    entries: entries.map(({ entity }) => ({ errorCode, entity })),
  }),
});

function entityKey({ entity }: Entry): string {
  const named = quotaEntity(entity);
  return named.kind === "entity" ? quotaKey(named.entity) : JSON.stringify(entity);
}

async function alter({ entity, ops }: Entry, isTwice: boolean, validateOnly: boolean, call: Call): Promise<Answer> {
  const { state, logger } = call.broker;
  const refused = (errorMessage: string, errorCode: number = ErrorCodes.INVALID_REQUEST) => ({
    errorCode,
    errorMessage,
    entity,
  });
  const named = quotaEntity(entity);
  if (named.kind === "refused") return refused(named.message);
  const key = quotaKey(named.entity);
  if (isTwice) return refused(`Ignoring duplicate entity ${entityText(named.entity)}`);
  const plan = planClientQuota(named.entity, ops, state.metadata.clientQuotas.get(key)?.values ?? {});
  if (plan.kind === "refused") return refused(plan.message);
  const done = { errorCode: ErrorCodes.NONE, entity: partsOf(named.entity) };
  if (validateOnly) return done;
  try {
    await state.change({ kind: "client-quota", ...plan.quota });
  } catch (cause) {
    const { error, message } = storageRefusal(logger, "Changing quotas failed", key, cause);
    return refused(message, ErrorCodes[error]);
  }
  logger.info("Changed the quotas of clients", {
    entity: JSON.stringify(named.entity),
    quotas: JSON.stringify(plan.quota.values),
    by: call.session.principal,
  });
  return done;
}

function partsOf(entity: QuotaEntity) {
  return Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));
}

/** The entity as Java prints it. */
function entityText(entity: QuotaEntity): string {
  const parts = Object.entries(entity).map(([type, name]) => `${type}=${name}`);
  return `ClientQuotaEntity(entries={${parts.join(", ")}})`;
}
