import { expect, test } from "vitest";
import { planClientQuota, quotaEntity } from "../../../../src/broker/quotas/plan-client-quota.js";

const set = (key: string, value: number) => ({ key, value, remove: false });

test("an operation changes its key alone, and the last one of a key counts", () => {
  const current = { producer_byte_rate: 1, consumer_byte_rate: 2 };
  const operations = [set("producer_byte_rate", 5), { key: "consumer_byte_rate", value: 0, remove: true }];
  expect(planClientQuota({ user: "u" }, operations, current)).toEqual({
    kind: "quota",
    quota: { entity: { user: "u" }, values: { producer_byte_rate: 5 } },
  });
});

test("an address has one form, whoever names it", () => {
  const named = quotaEntity([{ entityType: "ip", entityName: "::1" }]);
  expect(named).toEqual({ kind: "entity", entity: { ip: "0:0:0:0:0:0:0:1" } });
  expect(quotaEntity([{ entityType: "ip", entityName: null }])).toEqual({ kind: "entity", entity: { ip: null } });
});

test("names of hosts are refused", () => {
  const plan = planClientQuota({ ip: "localhost" }, [set("connection_creation_rate", 5)], {});
  expect(plan).toMatchObject({ kind: "refused" });
});

test.each([
  ["controller_mutation_rate", "Quota controller_mutation_rate must be finite"],
  ["request_percentage", "Quota request_percentage must be finite"],
  ["producer_byte_rate", "Proposed value for producer_byte_rate is too large for a LONG."],
])("%s is not Infinity, which could not be stored", (key, message) => {
  const plan = planClientQuota({ user: "u" }, [set(key, Number.POSITIVE_INFINITY)], {});
  expect(plan).toEqual({ kind: "refused", message });
});
