import { expect, test } from "vitest";
import { INT8, STRING } from "../../../../src/api/index.js";
import { sourceRecord, transformation } from "../transformed.js";

const header = (key: string) => ({ key, schema: STRING, value: `value of ${key}` });

test("InsertHeader appends a header whose type it guesses", () => {
  const record = sourceRecord({ headers: [header("a")] });
  const changed = transformation("InsertHeader", { header: "n", "value.literal": "42" }).apply(record)!;
  expect(changed.headers).toEqual([header("a"), { key: "n", schema: INT8, value: 42 }]);
  expect(record.headers).toHaveLength(1);
});

test("DropHeaders removes all headers of a name", () => {
  const record = sourceRecord({ headers: ["a", "b", "a", "c"].map(header) });
  expect(transformation("DropHeaders", { headers: "a,c" }).apply(record)!.headers).toEqual([header("b")]);
});

test("DropHeaders refuses an empty list", () => {
  expect(() => transformation("DropHeaders", { headers: "" })).toThrow(
    "Configuration 'headers' must not be empty. Valid values include: any non-empty value",
  );
  expect(() => transformation("DropHeaders", { headers: "a,,b" })).toThrow(/values must not be empty/);
});

test("Filter drops the record", () => {
  expect(transformation("Filter", {}).apply(sourceRecord())).toBeNull();
});
