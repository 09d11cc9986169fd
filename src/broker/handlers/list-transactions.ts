import type { Clock } from "../../base/clock.js";
import { listTransactions as api } from "../../protocol/apis/list-transactions.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { Re2Pattern, re2Fault } from "../groups/re2/re2-pattern.js";
import { defineHandler } from "../handler.js";
import { TRANSACTION_STATUSES } from "../transactions/transaction-state.js";

/** For one transactional id: a tenth of a second. */
const MOST_STEPS = 10_000_000;
/** Some milliseconds of matching, after which others are served. */
const STEPS_PER_TURN = 100_000;

const KNOWN: ReadonlySet<string> = new Set(TRANSACTION_STATUSES);

/**
 * ListTransactions (key 66), v0-v2.
 * Lists transactional ids by state and producer id. v1: by how long their transaction is open. v2: by a pattern of RE2;
 * one that takes long is matched in parts, between which others are served.
 */
export const listTransactions = defineHandler(api, {
  versions: [0, 2],
  authorize: "by resource",
  handle({ stateFilters, producerIdFilters, durationFilter, transactionalIdPattern }, { broker, access }) {
    const text = transactionalIdPattern ?? "";
    if (re2Fault(text) !== undefined) return refused(ErrorCodes.INVALID_REGULAR_EXPRESSION);
    const states = new Set(stateFilters.filter((state) => KNOWN.has(state)));
    const unknownStateFilters = stateFilters.filter((state) => !KNOWN.has(state));
    const producerIds = new Set(producerIdFilters);
    const nowMs = broker.clock.nowMs();
    const listed = broker.transactions.list().filter(({ transactionalId, status, producerId, startMs }) => {
      if (!access.shows("DESCRIBE", "TRANSACTIONAL_ID", transactionalId)) return false;
      if (stateFilters.length > 0 && !states.has(status)) return false;
      if (producerIds.size > 0 && !producerIds.has(producerId)) return false;
      return durationFilter < 0 || (startMs >= 0 && nowMs - startMs > durationFilter);
    });
    const answer = (matching: typeof listed) => {
      const transactionStates = matching.map(({ transactionalId, producerId, status }) => {
        return { transactionalId, producerId, transactionState: status };
      });
      return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, unknownStateFilters, transactionStates };
    };
    if (text === "") return answer(listed);
    const pattern = new Re2Pattern(text);
    const longest = listed.reduce((most, { transactionalId }) => Math.max(most, transactionalId.length), 0);
    if (pattern.stepsFor(longest) > MOST_STEPS) {
      broker.logger.warn("Refused a pattern that is too long for the transactional ids that there are", { longest });
      return refused(ErrorCodes.INVALID_REGULAR_EXPRESSION);
    }
    return matchingOf(listed, pattern, broker.clock).then(answer);
  },
  refuse: (_, errorCode) => refused(errorCode),
});

async function matchingOf<T extends { readonly transactionalId: string }>(
  listed: readonly T[],
  pattern: Re2Pattern,
  clock: Clock,
): Promise<T[]> {
  const matching: T[] = [];
  let steps = 0;
  for (const each of listed) {
    if (pattern.matches(each.transactionalId)) matching.push(each);
    if (pattern.steps - steps < STEPS_PER_TURN) continue;
    steps = pattern.steps;
    await clock.turn();
  }
  return matching;
}

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] };
}
