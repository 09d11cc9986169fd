import { expect, test } from "vitest";
import { matchesQuotaFilter } from "../../../../src/broker/quotas/quota-filter.js";

const PART = {
  user: { entityType: "user", matchType: 0, match: "ann" },
  anyId: { entityType: "client-id", matchType: 2, match: null },
};
const DEFAULT_USER = { entityType: "user", matchType: 1, match: null };

test("a filter asks for names, for the default, or for any", () => {
  expect(matchesQuotaFilter([PART.user], false, { user: "ann", "client-id": null })).toBe(true);
  expect(matchesQuotaFilter([PART.user], true, { user: "ann", "client-id": null })).toBe(false);
  expect(matchesQuotaFilter([PART.user, PART.anyId], true, { user: "ann", "client-id": null })).toBe(true);
  expect(matchesQuotaFilter([PART.user], false, { user: null })).toBe(false);
  expect(matchesQuotaFilter([DEFAULT_USER], false, { user: null })).toBe(true);
  expect(matchesQuotaFilter([DEFAULT_USER], false, { "client-id": null })).toBe(false);
  expect(matchesQuotaFilter([PART.anyId], false, { "client-id": null })).toBe(true);
  expect(matchesQuotaFilter([], false, { ip: "1.2.3.4" })).toBe(true);
  expect(matchesQuotaFilter([], true, { ip: "1.2.3.4" })).toBe(false);
});
