import { describeClientQuotas as api } from "../../protocol/apis/describe-client-quotas.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { defineHandler } from "../handler.js";
import { matchesQuotaFilter, quotaFilterFault } from "../quotas/quota-filter.js";

/** DescribeClientQuotas (key 48), v0-v1. Lists the quotas of the entities that match a filter. v1: flexible. */
export const describeClientQuotas = defineHandler(api, {
  versions: [0, 1],
  authorize: toCluster("DESCRIBE_CONFIGS"),
  handle({ components, strict }, { broker }) {
    const fault = quotaFilterFault(components);
    if (fault) return refused(ErrorCodes[fault.error], fault.message);
    const entries = [...broker.state.metadata.clientQuotas.values()]
      .filter(({ entity }) => matchesQuotaFilter(components, strict, entity))
      .map(({ entity, values }) => ({
        entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
        values: Object.entries(values).map(([key, value]) => ({ key, value })),
      }));
    // Not null, as in Kafka.
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, errorMessage: "", entries };
  },
  refuse: (_, errorCode) => refused(errorCode, null),
});

function refused(errorCode: number, errorMessage: string | null) {
  return { throttleTimeMs: 0, errorCode, errorMessage, entries: null };
}
