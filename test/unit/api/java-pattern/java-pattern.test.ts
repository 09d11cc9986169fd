import { describe, expect, test } from "vitest";
import { javaPattern } from "../../../../src/api/index.js";

const matches = (source: string, text: string, ignoresCase = false) =>
  javaPattern("topics.regex", source, { ignoresCase }).test(text);

/** Pattern, texts that it matches, texts that it does not: what Java 21 answers. */
type Row = readonly [source: string, matching: readonly string[], other: readonly string[]];

function check(rows: readonly Row[], ignoresCase = false): void {
  for (const [source, matching, other] of rows) {
    for (const text of matching)
      expect([source, text, matches(source, text, ignoresCase)]).toEqual([source, text, true]);
    for (const text of other) expect([source, text, matches(source, text, ignoresCase)]).toEqual([source, text, false]);
  }
}

describe("a Java pattern means here what it means there", () => {
  test("matching whole texts", () => {
    check([
      ["a|b", ["a", "b"], ["ab", "", "a\n"]],
      ["", [""], ["a"]],
      ["a{2}|b{1,}|c{0,1}", ["aa", "bbb", "c", ""], ["a", "aaa"]],
      ["x]}-&", ["x]}-&"], []],
      ["(?<n>a)(b)(?:c)", ["abc"], ["ab"]],
    ]);
  });

  test("negated classes within repetitions", () => {
    check([
      ["(?:[^.]+\\.)+x", ["ab.cd.x"], ["abx"]],
      ["(?:.d)+", ["kdkd"], ["kdk"]],
      ["(?:\\Dd)+", ["kd"], ["1d"]],
      ["(?:\\Wd){1,}", [".d"], ["kd"]],
      ["(?:\\P{Lu}d)+", ["kd"], ["Kd"]],
      ["(?:[^a&&[^b]]d)+", ["cd"], ["ad"]],
      ["a*+(.A|A){1,}", ["kA", "aA"], ["k"]],
    ]);
  });

  test("quotations", () => {
    check([
      ["\\Qpublic.t*\\E", ["public.t*"], ["publicxt"]],
      ["\\Qa.b", ["a.b"], ["axb"]],
      ["\\Qab\\E+", ["ab", "abb"], ["abab"]],
      ["a\\Q\\E*", ["", "aa"], []],
      ["\\\\Qa", ["\\Qa"], ["a"]],
      ["[\\Q^-]\\E]", ["^", "-", "]"], ["a"]],
      ["\\Q😀\\E", ["😀"], []],
    ]);
  });

  test("lines: the dot, the ends and line breaks", () => {
    check([
      ["a.b", ["a b", "a\x0bb", "a😀b"], ["a\nb", "a\rb", "a\x85b", "a\u2028b"]],
      ["(?s)a.b", ["a\nb", "a\rb"], []],
      ["(?s:.).", ["\na"], ["a\n"]],
      ["a$\n", ["a\n"], ["a\n\n"]],
      ["a$\r\n|b\\Z.?", ["a\r\n", "b"], ["a\n"]],
      ["\\Aa\\z|^b$|\\Gc", ["a", "b", "c"], ["a\n", "b\n"]],
      ["a\\Rb", ["a\nb", "a\r\nb", "a\x85b", "a\x0bb"], ["a\n\nb"]],
    ]);
  });

  test("classes of ASCII only", () => {
    check([
      ["\\w", ["a", "_", "9"], ["é", "\u0663"]],
      ["\\d", ["9"], ["\u0663"]],
      ["\\s", [" ", "\t", "\x0b"], ["\xa0", "\u2028", "\ufeff"]],
      ["\\h", [" ", "\t", "\xa0", "\u3000", "\u180e"], ["\n"]],
      ["\\v", ["\n", "\x0b", "\x85", "\u2029"], [" "]],
      ["\\p{Alpha}\\p{Lower}", ["Aa"], ["aA", "éa"]],
      ["\\p{Punct}\\P{Punct}", ["|a", "$é"], ["a|"]],
      ["a\\b-\\bb", ["a-b"], ["a--b"]],
    ]);
  });

  test("properties of Unicode", () => {
    check([
      ["\\pL\\p{Lu}\\p{IsNd}", ["éÉ1", "日A\u0663"], ["éé1"]],
      ["\\p{IsAlphabetic}+", ["aé日"], ["a1"]],
      ["[^\\p{L}]", ["1"], ["a"]],
      ["\\P{L}", ["-"], ["é"]],
    ]);
  });

  test("unions and intersections", () => {
    check([
      ["[a-c[x-z]]", ["b", "y"], ["m", "["]],
      ["[a-z&&[^bc]]", ["a", "d"], ["b", "c", "&"]],
      ["[a-z&&def]", ["d", "f"], ["a", "&"]],
      ["[^a-z&&[^k]]", ["k", "1"], ["a"]],
      ["[a-z&&[a-m]&&[k-z]]", ["k", "m"], ["a", "z"]],
      ["[]a]", ["]", "a"], ["["]],
      ["[^]a]", ["b"], ["]", "a"]],
      ["[a&b]", ["&"], []],
      ["[a-]", ["a", "-"], ["b"]],
      ["[a^]", ["^"], ["b"]],
      ["[\\w&&\\D]", ["a", "_"], ["1"]],
      ["[+--]", ["+", ",", "-"], ["."]],
    ]);
  });

  test("escapes of one character", () => {
    check([
      ["\\0101\\x41\\x{1F600}\\u00e9\\uD83D\\uDE00", ["AA😀é😀"], []],
      ["\\0377\\07\\018", ["\xff\x07\x018"], []],
      ["\\a\\e\\f\\n\\r\\t\\cA", ["\x07\x1b\f\n\r\t\x01"], []],
      ["\\.\\-\\_\\/\\é\\ ", [".-_/é "], []],
      ["[\\n\\-\\]\\x41]", ["\n", "-", "]", "A"], ["\\", "x"]],
    ]);
  });

  test("flags and case, of ASCII letters only", () => {
    check([
      ["(?i)Ab|c", ["aB", "C"], []],
      ["a(?i)b|c", ["aB", "C"], ["AB"]],
      ["(?:(?i)a)b", ["Ab"], ["AB"]],
      ["(?i:a)(?-i:b)", ["Ab"], ["AB"]],
      ["(?i)é", ["é"], ["É"]],
      ["(?i)[^a-c]", ["d"], ["A", "b"]],
      ["(?i)\\p{Lower}", ["A"], ["1"]],
    ]);
    check(
      [
        ["public\\.[a-c]K", ["PUBLIC.bk"], ["public.b\u212a"]],
        ["s", ["S"], ["\u017f"]],
        ["(?-i)a", ["a"], ["A"]],
      ],
      true,
    );
  });

  test("parts that give nothing back", () => {
    check([
      ["a*+a|b++", ["bb"], ["aa", "a"]],
      ["(?>a|ab)c", ["ac"], ["abc"]],
      ["[a-z]++\\.x?+x", ["ab.xx"], ["ab.x"]],
      ["(?:ab?|b){2}+", ["abab", "abb"], ["ab"]],
      ["(?>a*)b{1,2}+", ["aab", "bb"], ["bbb"]],
    ]);
  });

  test("looking ahead and behind", () => {
    check([
      ["(?!tmp_).*", ["orders"], ["tmp_orders"]],
      [".*(?<!_tmp)", ["orders"], ["orders_tmp"]],
      ["(?=a)..(?<=b)", ["ab"], ["ba", "ac"]],
    ]);
  });
});

describe("a pattern is refused under its key", () => {
  const refused = (sources: readonly string[]) => {
    for (const source of sources)
      expect(() => javaPattern("topics.regex", source), source).toThrow(
        expect.objectContaining({
          name: "ConfigError",
          key: "topics.regex",
          message: expect.stringContaining(`Invalid value ${source} for configuration topics.regex: Invalid regex: `),
          cause: expect.any(SyntaxError),
        }),
      );
  };

  test("where Java refuses it", () => {
    refused([
      ...[
        "*.password",
        "a**",
        "a{2}{3}",
        "+",
        "?",
        "{",
        "a{,2}",
        "a{x}",
        "a{2,1}",
        "(",
        "(a",
        "a)",
        "[",
        "[a",
        "[z-a]",
      ],
      ...[
        "\\",
        "\\E",
        "\\y",
        "\\x4",
        "\\x{110000}",
        "\\u12",
        "\\0",
        "\\08",
        "\\c",
        "\\p{Alpha",
        "\\p{Nope}",
        "[\\b]",
        "[\\R]",
      ],
      ...["(?#x)", "(?y)", "(?<1>a)", "(?<n>a)(?<n>b)", "(?<=a*)b", "(?<!a+)b", "[a-\\d]", "[&&a]"],
    ]);
  });

  test.each(["[", "[a", "a[b&&", "[^"])("with the reason, if its class %s is not closed", (source) => {
    expect(() => javaPattern("topics.regex", source)).toThrow(/Invalid regex: a character class is not closed$/);
  });

  test.each(["(?#x)", "(?"])("with the beginning of its group, if %s is of no kind that is supported", (source) => {
    expect(() => javaPattern("topics.regex", source)).toThrow(
      new RegExp(`a group may begin with .*, not with ${source.slice(0, 3).replace(/[(?]/g, "\\$&")}$`),
    );
  });

  test("where it is not translated", () => {
    refused([
      ...["(a)\\1", "(?<n>a)\\k<n>", "\\X", "\\N{DIGIT ONE}", "\\b{g}", "(?m)a", "(?x)a b", "(?u)a", "(?U)a", "(?d)a"],
      ...["\\p{IsLatin}", "\\p{InGreek}", "\\p{javaLowerCase}", "\\p{Cn}", "\\p{L1}", "\\p{sc=Latin}", "\\uD83D"],
      ...["[a-z&&[bc]d]", "[a&&]", "[a&&&b]", "(?:a?)*+", "(?>(?:|a)*)", "a{100000}", "[a&&[b]&c]", "[\\v-]"],
    ]);
  });
});
