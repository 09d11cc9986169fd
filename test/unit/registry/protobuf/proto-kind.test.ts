import { describe, expect, test } from "vitest";
import { protoKind } from "../../../../src/registry/protobuf/proto-kind.js";

const parse = (text: string, references: Record<string, string> = {}) =>
  protoKind.parse(text, new Map(Object.entries(references)), true);
const lines = (...all: string[]) => `${all.join("\n")}\n`;

describe("the text of a Protobuf schema", () => {
  test("has its parts in a fixed order, without comments", () => {
    const text = `
      // a comment
      option java_package = "p"; syntax = "proto3"; package x.y;
      enum E { A = 0; option allow_alias = true; B = 1 [deprecated=true]; }
      message M {
        /* another */ message N { X x = 1; enum X { Y = 0; } }
        reserved 2, 4 to 5, "old";
        optional string s = 1 [json_name = "t", deprecated = true];
        oneof o { int32 a = 6; N b = 7; }
        map<string,N> m = 8;
        option deprecated = true;
      }
      import public "b.proto"; import "a.proto";
      service S { rpc R (stream M) returns (M) { option idempotency_level = IDEMPOTENT; } rpc Q(M) returns (stream M); }
      message B {}`;
    expect(parse(text).text).toBe(
      lines(
        'syntax = "proto3";',
        "package x.y;",
        "",
        'import "a.proto";',
        'import public "b.proto";',
        "",
        'option java_package = "p";',
        "",
        "message M {",
        '  reserved 2, 4 to 5, "old";',
        "",
        "  option deprecated = true;",
        "",
        "  optional string s = 1 [",
        "    deprecated = true,",
        '    json_name = "t"',
        "  ];",
        "  map<string, N> m = 8;",
        "",
        "  oneof o {",
        "    int32 a = 6;",
        "    N b = 7;",
        "  }",
        "",
        "  message N {",
        "    X x = 1;",
        "  ",
        "    enum X {",
        "      Y = 0;",
        "    }",
        "  }",
        "}",
        "message B {}",
        "enum E {",
        "  option allow_alias = true;",
        "  A = 0;",
        "  B = 1 [deprecated = true];",
        "}",
        "",
        "service S {",
        "  rpc R (stream M) returns (M) {",
        "    option idempotency_level = IDEMPOTENT;",
        "  };",
        "  rpc Q (M) returns (stream M);",
        "}",
      ),
    );
  });

  test("without a syntax begins with an empty line", () => {
    expect(parse("message A { required int32 x = 1 [default = -5]; }").text).toBe(
      lines("", "message A {", "  required int32 x = 1 [default = -5];", "}"),
    );
  });

  test("shows messages in options", () => {
    const text = `syntax = "proto3"; message A { int32 x = 1 [(confluent.field_meta) = { params: [{ key: "k" value: "v" }] }]; }`;
    expect(parse(text).text).toBe(
      lines(
        'syntax = "proto3";',
        "",
        "message A {",
        "  int32 x = 1 [(confluent.field_meta) = {",
        "    params: [",
        "      {",
        '        key: "k",',
        '        value: "v"',
        "      }",
        "    ]",
        "  }];",
        "}",
      ),
    );
    expect(parse(text).normalized().text).toContain("    params: {\n");
  });

  test("is the same when it is read again", () => {
    const { text } = parse(`syntax = "proto3"; message A { string a = 1 [json_name="\\"x\\\\n"]; reserved 3 to max; }`);
    expect(parse(text).text).toBe(text);
  });
});

describe("the normal form", () => {
  test("sorts by tags, and names types in full", () => {
    const text = `syntax = "proto3"; package x; message A { string x=2; int32 y=1; repeated B bs=3; map<string,B> m=4; message B {} }`;
    expect(parse(text).normalized().text).toBe(
      lines(
        'syntax = "proto3";',
        "package x;",
        "",
        "message A {",
        "  int32 y = 1;",
        "  string x = 2;",
        "  repeated .x.A.B bs = 3;",
        "  map<string, .x.A.B> m = 4;",
        "",
        "  message B {}",
        "}",
      ),
    );
  });

  test("is one for files that say the same", () => {
    const one = `syntax = "proto2"; import "google/protobuf/timestamp.proto"; message A {
      reserved 9, 5 to 5; optional google.protobuf.Timestamp t = 2; optional E e = 1;
      oneof z { int32 c = 8; } oneof y { int32 b = 7; int32 a = 6; } oneof none {}
    } enum E { option (o).b = 3; X = 1; W = 0; }`;
    expect(parse(one).normalized().text).toBe(
      lines(
        "",
        'import "google/protobuf/timestamp.proto";',
        "",
        "message A {",
        "  reserved 5;",
        "  reserved 9;",
        "",
        "  optional .E e = 1;",
        "  optional .google.protobuf.Timestamp t = 2;",
        "",
        "  oneof y {",
        "    int32 a = 6;",
        "    int32 b = 7;",
        "  }",
        "  oneof z {",
        "    int32 c = 8;",
        "  }",
        "}",
        "enum E {",
        "  option (o) = {",
        "    b: 3",
        "  };",
        "  W = 0;",
        "  X = 1;",
        "}",
      ),
    );
  });

  test("has maps for entries that are written out", () => {
    const text = `syntax = "proto3"; message A { repeated MEntry m = 1;
      message MEntry { option map_entry = true; string key = 1; A value = 2; } }`;
    expect(parse(text).normalized().text).toBe(
      lines('syntax = "proto3";', "", "message A {", "  map<string, .A> m = 1;", "}"),
    );
  });
});

describe("parsing", () => {
  test.each([
    ["message A {", "Syntax error in line 1: expected a field"],
    ["foo", "unexpected label: foo"],
    ['edition = "2023";', "unexpected label: edition"],
    ['syntax = "proto4";', "unknown syntax proto4"],
    ["message A { int32 x = y; }", "expected an integer but was y"],
    ["message A { int32 x 1; }", "expected '='"],
  ])("refuses %s", (text, message) => expect(() => parse(text)).toThrow(message));

  test("needs every type and every import", () => {
    expect(() => parse("message A { optional Foo f = 1; }").validate()).toThrow("Could not resolve type: Foo");
    expect(() => parse('import "none.proto";').validate()).toThrow("Could not resolve import: none.proto");
    const references = { "b.proto": 'package b; import public "c.proto"; message B {}', "c.proto": "message C {}" };
    parse('import "b.proto"; message A { optional b.B b = 1; optional .C c = 2; }', references).validate();
  });
});
