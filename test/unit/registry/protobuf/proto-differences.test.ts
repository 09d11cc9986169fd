import { expect, test } from "vitest";
import { protoKind } from "../../../../src/registry/protobuf/proto-kind.js";

const parse = (body: string) => protoKind.parse(`syntax = "proto3"; ${body}`, new Map(), true);
const lines = (original: string, update: string) => protoKind.faults(parse(update), parse(original), false);
const found = (original: string, update: string) =>
  lines(original, update).map((line) => {
    const [, type] = /errorType:"(\w+)"/.exec(line)!;
    return `${type} ${/'(#[^']*)'/.exec(line)![1]}`;
  });
const message = (fields: string) => `message A { ${fields} }`;

test.each([
  [message("int32 n = 2;"), message("int64 n = 2;")],
  [message("int32 n = 2;"), message("repeated int32 n = 2;")],
  [message("int32 n = 2;"), message("")],
  [message(""), message("int32 n = 2;")],
  [message("int32 n = 2;"), message("int32 m = 2;")],
  [message("string n = 2;"), message("bytes n = 2;")],
  [message("optional string n = 2;"), message("repeated string n = 2;")],
  [`${message("optional B b = 2;")} message B {}`, `${message("repeated B b = 2;")} message B {}`],
  [message("E e = 1; enum E { X = 0; }"), message("int32 e = 1;")],
  [message("E e = 1; enum E { X = 0; Y = 1; }"), message("E e = 1; enum E { Z = 0; }")],
  [message(""), `${message("")} message B {}`],
  [message("string a = 1;"), message("oneof o { string a = 1; }")],
  [message("oneof o { string a = 1; string b = 2; }"), message("")],
  [message("oneof o { string a = 1; string b = 2; }"), message("string a = 1; string b = 2;")],
  [message("oneof o { string a = 1; }"), message("oneof o { string a = 1; string b = 2; }")],
  [message("oneof o { string a = 1; string b = 2; }"), message("oneof o { string a = 1; } string b = 2;")],
  [message("A next = 1; B b = 2; message B { A a = 1; }"), message("A next = 1; B b = 2; message B { A a = 1; }")],
])("%s may become %s", (original, update) => expect(lines(original, update)).toEqual([]));

test.each([
  [`package a; ${message("")}`, `package b; ${message("")}`, "PACKAGE_CHANGED #/"],
  [`${message("")} message B {}`, message(""), "MESSAGE_REMOVED #/B"],
  [message("message B { message C {} }"), message("message B {}"), "MESSAGE_REMOVED #/A/B/C"],
  [message("int32 n = 2;"), message("sint32 n = 2;"), "FIELD_SCALAR_KIND_CHANGED #/A/2"],
  [message("int32 n = 2;"), message("A n = 2;"), "FIELD_KIND_CHANGED #/A/2"],
  [message("map<string, int32> n = 2;"), message("int32 n = 2;"), "FIELD_KIND_CHANGED #/A/2"],
  [message("map<string, int32> n = 2;"), message("map<string, double> n = 2;"), "FIELD_SCALAR_KIND_CHANGED #/A/2"],
  [
    message("B b = 1; message B {} message C {}"),
    message("C b = 1; message B {} message C {}"),
    "FIELD_NAMED_TYPE_CHANGED #/A/1",
  ],
  [message("optional int32 n = 2;"), message("repeated int32 n = 2;"), "FIELD_NUMERIC_LABEL_CHANGED #/A/2"],
  [message(""), message("required int32 n = 2;"), "REQUIRED_FIELD_ADDED #/A/2"],
  [message("required int32 n = 2;"), message(""), "REQUIRED_FIELD_REMOVED #/A/2"],
  [
    message("oneof o { string a = 1; string b = 2; }"),
    message("oneof o { string a = 1; }"),
    "ONEOF_FIELD_REMOVED #/A/o/2",
  ],
  [
    message("string a = 1; string b = 2;"),
    message("oneof o { string a = 1; string b = 2; }"),
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF #/A/o",
  ],
  [
    message("string a = 1; oneof o { string b = 2; }"),
    message("oneof o { string a = 1; string b = 2; }"),
    "FIELD_MOVED_TO_EXISTING_ONEOF #/A/o/1",
  ],
  [message("oneof o { string a = 1; }"), message("oneof o { float a = 1; }"), "FIELD_SCALAR_KIND_CHANGED #/A/o/1"],
])("%s may not become %s: %s", (original, update, fault) => expect(found(original, update)).toEqual([fault]));

test("faults are told in the original's words", () => {
  expect(lines(message(""), message("required int32 n = 2;"))).toEqual([
    `{errorType:"REQUIRED_FIELD_ADDED", description:"A required field  at path '#/A/2' in the %s schema is missing in the %s schema"}`,
  ]);
  expect(lines(`${message("")} message B {}`, message(""))).toEqual([
    `{errorType:"MESSAGE_REMOVED", description:"The %s schema is missing a MESSAGE type at path '#/B' in the %s schema"}`,
  ]);
});

test("types of references are compared, too", () => {
  const references = (b: string) => new Map([["b.proto", `syntax = "proto3"; package b; message B { ${b} }`]]);
  const text = 'syntax = "proto3"; import "b.proto"; message A { b.B b = 1; }';
  const [one, other] = [references("int32 n = 1;"), references("double n = 1;")];
  const update = protoKind.parse(text, other, true);
  expect(protoKind.faults(update, protoKind.parse(text, one, true), false)).toEqual([
    expect.stringContaining("FIELD_NAMED_TYPE_CHANGED"),
  ]);
});

test("messages that all name each other are compared once each", () => {
  const numbers = Array.from({ length: 30 }, (_, at) => at);
  const file = (more: string) =>
    `syntax = "proto3"; ${numbers
      .map(
        (at) =>
          `message M${at} { ${numbers.map((to) => `M${to} f${to} = ${to + 1};`).join(" ")} ${at === 29 ? more : ""} }`,
      )
      .join(" ")}`;
  expect(lines(file(""), file(""))).toEqual([]);
  expect(found(file("int32 n = 99;"), file("double n = 99;"))).toContain("FIELD_SCALAR_KIND_CHANGED #/M29/99");
});
