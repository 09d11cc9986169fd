import { expect, test } from "vitest";
import { protoKind } from "../../../../src/registry/protobuf/proto-kind.js";

const parse = (text: string) => protoKind.parse(text, new Map(), true);

test("a file is serialized as the original serializes it", () => {
  const parsed = parse('syntax = "proto3"; message A { string x=1; }');
  expect(parsed.formatted("serialized")).toBe("CgdkZWZhdWx0IgwKAUESBwoBeBgBKAliBnByb3RvMw==");
  expect(parsed.formatted("other")).toBe(parsed.text);
});

test.each([
  'syntax = "proto3"; package x; import "google/protobuf/timestamp.proto"; message A { repeated int32 a = 1; optional string b = 2; map<string, B> m = 3; oneof o { B c = 4; double d = 5; } google.protobuf.Timestamp t = 6; E e = 7; reserved 8, 10 to 12, "old"; message B { A back = 1; } enum E { X = 0; Y = -1; } } service S { rpc R (A) returns (stream A); }',
  'syntax = "proto2"; message A { required int64 a = 1 [default = 5]; optional string b = 2 [json_name = "z", default = "q"]; extensions 100 to max; } extend A { optional int32 x = 100; }',
])("what a serialized file says is the same: %s", (text) => {
  const parsed = parse(text);
  const again = parse(parsed.formatted("serialized"));
  expect(again.normalized().text).toBe(parsed.normalized().text);
});

test.each(["AAAA", "CgdkZWZhdWx0Ig==", "bm90IGEgZmlsZQ=="])("%s is no file", (text) => {
  expect(() => parse(text)).toThrow("Syntax error in line 1");
});
