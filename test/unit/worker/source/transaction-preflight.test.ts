import { describe, expect, test } from "vitest";
import type { Support } from "../../../../src/api/index.js";
import { transactionFaults } from "../../../../src/worker/source/transaction-preflight.js";

const ENABLED = { "exactly.once.source.support": "ENABLED" };

async function faults(worker: object, connector: object, answer: Support | null | Error) {
  const asked: string[] = [];
  const found = await transactionFaults({ ...worker }, { ...connector }, async (question) => {
    asked.push(question);
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { asked, found: [...found].map(([key, message]) => `${key}: ${message}`) };
}

describe("a source connector that demands exactly-once delivery", () => {
  const required = { "exactly.once.support": "Required" };

  test.each([
    ["SUPPORTED", []],
    ["UNSUPPORTED", [expect.stringMatching(/^exactly.once.support: The connector does not support exactly-once/)]],
    [null, [expect.stringMatching(/^exactly.once.support: The connector does not implement the API required for/)]],
    [new Error("oops"), [expect.stringMatching(/An unexpected error occurred during validation: .*oops/)]],
  ] as const)("whose class answers %s", async (answer, found) => {
    expect(await faults(ENABLED, required, answer)).toEqual({ asked: ["exactlyOnceSupport"], found });
  });

  test("is asked nothing where it only requests it", async () => {
    expect(await faults(ENABLED, { "exactly.once.support": "requested" }, null)).toEqual({ asked: [], found: [] });
  });

  test.each([
    [{}, /worker does not have exactly-once source support enabled\. Set the workers' exactly\.once\.source\.support/],
    [
      { "exactly.once.source.support": "unavailable" },
      /A standalone worker delivers at least once: run .* distributed/,
    ],
  ])("is refused by a worker with %j, besides its class's answer", async (worker, message) => {
    const { found } = await faults(worker, required, "UNSUPPORTED");
    expect(found).toEqual([expect.stringMatching(message), expect.stringMatching(/does not support exactly-once/)]);
  });
});

describe("a source connector with transaction boundaries of its own", () => {
  const own = { "transaction.boundary": "connector" };

  test.each([
    ["SUPPORTED", []],
    ["UNSUPPORTED", [expect.stringMatching(/^transaction.boundary: The connector does not support connector-defined/)]],
    [null, [expect.stringMatching(/^transaction.boundary: The connector does not support connector-defined/)]],
    [new Error("oops"), [expect.stringMatching(/An unexpected error occurred/)]],
  ] as const)("whose class answers %s, also on a worker without exactly-once delivery", async (answer, found) => {
    expect(await faults({}, own, answer)).toEqual({ asked: ["canDefineTransactionBoundaries"], found });
  });
});
