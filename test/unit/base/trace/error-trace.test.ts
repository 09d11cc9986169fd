import { expect, test } from "vitest";
import { errorMessage, traceOf } from "../../../../src/base/trace/error-trace.js";

test("a cause that ends in a line break is not said twice", () => {
  const cause = new Error("write EPROTO: wrong version number\n");
  expect(errorMessage(new Error("The store failed: write EPROTO: wrong version number.", { cause }))).toBe(
    "The store failed: write EPROTO: wrong version number.",
  );
});

test.each([Object.create(null), { toString: () => Object.create(null) }])(
  "a thrown object that has no text has one here",
  (thrown) => {
    expect([errorMessage(thrown), traceOf(thrown)]).toEqual(["[object Object]", "[object Object]\n"]);
  },
);
