import { expect, test } from "vitest";
import {
  ArrayStruct,
  DataError,
  errorKind,
  INT32,
  OPTIONAL_STRING,
  primitive,
  RetriableError,
  Struct,
  structOf,
  withAttributes,
} from "../../../src/api/index.js";

const row = structOf([
  ["id", INT32],
  ["name", OPTIONAL_STRING],
  ["status", primitive("string", { defaultValue: "new" })],
]);

test("a struct returns its values by name, and the default for a null", () => {
  const struct = new ArrayStruct(row, [7, null, null]);
  expect([struct.get("id"), struct.get("name"), struct.get("status")]).toEqual([7, null, "new"]);
  expect(() => struct.get("nope")).toThrow("nope is not a valid field name");
});

test("a struct returns its values by position, and null beyond the last", () => {
  const struct = new ArrayStruct(row, [7, "x"]);
  expect([struct.at(0), struct.at(1), struct.at(2), struct.at(9)]).toEqual([7, "x", null, null]);
});

test("a struct of another copy of this package is a Struct but not an ArrayStruct", () => {
  const foreign = Object.defineProperty({}, Symbol.for("millrace.struct"), { value: true });
  expect(foreign instanceof Struct).toBe(true);
  expect(foreign instanceof ArrayStruct).toBe(false);
  expect(new ArrayStruct(row, []) instanceof ArrayStruct).toBe(true);
  expect([{}, null, "x", []].some((value) => (value as unknown) instanceof Struct)).toBe(false);
});

test("a field name occurs once", () => {
  expect(() =>
    structOf([
      ["a", INT32],
      ["a", INT32],
    ]),
  ).toThrow(DataError);
});

test("withAttributes replaces the attributes passed and keeps the others", () => {
  const named = withAttributes(row, { name: "shop.Value", optional: true });
  expect([named.name, named.optional, named.fields === row.fields, row.optional]).toEqual([
    "shop.Value",
    true,
    true,
    false,
  ]);
  const defaulted = withAttributes(primitive("int32", { defaultValue: 0, doc: "d" }), { optional: true });
  expect([defaulted.hasDefault, defaulted.defaultValue, defaulted.doc]).toEqual([true, 0, "d"]);
});

test("the kind of an error is known across copies of this package", () => {
  class Foreign extends Error {}
  const foreign = Object.defineProperty(new Foreign("x"), Symbol.for("millrace.error.kind"), { value: "retriable" });
  expect(errorKind(foreign)).toBe("retriable");
  expect(errorKind(new RetriableError("PLUGIN_X", "x"))).toBe("retriable");
  expect([errorKind(new Error("x")), errorKind("x"), errorKind(null)]).toEqual([undefined, undefined, undefined]);
});
