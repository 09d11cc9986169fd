import { expect, test } from "vitest";
import { guidOf } from "../../../../src/registry/schema/schema-identity.js";

test.each([
  ["a text", { text: '"string"', references: [] }, "095d71cf-1255-6b9d-5e33-0ad575b3df5d"],
  [
    "a text with a reference",
    { text: "{}", references: [{ name: "n", subject: "sub", version: 3 }] },
    "5f16bd58-1780-961c-1d76-81df3c9b615c",
  ],
  [
    "a text with metadata",
    { text: '"string"', references: [], metadata: { properties: { k: "v" } } },
    "27593e84-e584-f2c4-de4b-bc8cccc28a51",
  ],
])("the guid of %s is the same as in every registry", (_name, schema, guid) => {
  expect(guidOf(schema)).toBe(guid);
});

test("empty metadata make another guid than none", () => {
  const schema = { text: '"string"', references: [] };
  expect(guidOf({ ...schema, metadata: {} })).not.toBe(guidOf(schema));
});
