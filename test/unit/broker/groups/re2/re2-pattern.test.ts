import { describe, expect, test } from "vitest";
import { Re2Pattern, re2Fault } from "../../../../../src/broker/groups/re2/re2-pattern.js";

describe("an expression of RE2 matches whole names", () => {
  test.each<[pattern: string, matching: string[], others: string[]]>([
    ["orders", ["orders"], ["orders2", "my-orders", "order", ""]],
    ["ord.*", ["ord", "orders", "ord.x"], ["xord"]],
    ["orders-[0-9]+", ["orders-1", "orders-42"], ["orders-", "orders-x"]],
    ["a|bc|", ["a", "bc", ""], ["b", "abc"]],
    ["^a$", ["a"], ["aa"]],
    ["a^b", [], ["ab"]],
    ["(a|b)+c?", ["a", "abab", "abc"], ["c", "abcc"]],
    ["a{2}", ["aa"], ["a", "aaa"]],
    ["a{2,}", ["aa", "aaaaa"], ["a"]],
    ["a{1,3}", ["a", "aaa"], ["", "aaaa"]],
    ["a{,3}", ["a{,3}"], ["aa"]],
    ["a+?b*?", ["aab", "a"], ["b"]],
    ["[^a-c.]", ["d", "-"], ["a", "c", "."]],
    ["[]a-]+", ["]", "a-]"], ["b"]],
    ["[[:alpha:]_]+[[:^digit:]]", ["ab_", "a_-"], ["a1"]],
    ["[\\d\\-x]+", ["1-x"], ["y"]],
    ["\\w+\\.\\W\\D", ["ab.-x"], ["ab.xx", "abx-x"]],
    ["(?i)OrDers", ["orders", "ORDERS"], ["order"]],
    ["(?i:a)b", ["Ab", "ab"], ["aB"]],
    ["(a(?i)b)c", ["aBc"], ["ABc", "abC"]],
    ["(?P<name>a)(?<other>b)(?:c)", ["abc"], []],
    ["\\Qa.b\\E+", ["a.b", "a.bbb"], ["axb", "a.ba.b"]],
    ["\\x41\\x{42}\\103", ["ABC"], ["abc"]],
    ["\\pL\\p{Lu}\\P{Nd}\\p{Greek}", ["aAxα"], ["aa1α", "aAxa"]],
    ["a\\b-\\Ab", [], ["a-b"]],
    ["\\ba\\b.\\Bb?", ["a-"], ["ab"]],
    ["(?m)a$\\n^b", ["a\nb"], ["a b"]],
    ["(?s).", ["\n"], []],
    [".", ["x"], ["\n"]],
    ["(|a)*b", ["b", "aab"], ["a"]],
    ["((a*)*)*", ["", "aaaa"], ["b"]],
  ])("%s", (text, matching, others) => {
    const pattern = new Re2Pattern(text);
    expect(matching.filter((name) => !pattern.matches(name))).toEqual([]);
    expect(others.filter((name) => pattern.matches(name))).toEqual([]);
  });

  test("in one walk, whatever it is", () => {
    const instructions = 22;
    const pattern = new Re2Pattern("(a|a)*(a|aa)*(a*)*b");
    expect(pattern.matches("a".repeat(249))).toBe(false);
    expect(pattern.matches(`${"a".repeat(248)}b`)).toBe(true);
    expect(pattern.steps).toBeGreaterThan(2 * 249);
    expect(pattern.steps).toBeLessThan(2 * 500 * instructions);
  });
});

describe("what RE2 does not take is refused with the reason", () => {
  test.each([
    ["a(b", "missing closing )"],
    ["a)b", "unexpected )"],
    ["[a", "missing closing ]"],
    ["*a", "missing argument to repetition operator"],
    ["a|+", "missing argument to repetition operator"],
    ["a**", "invalid nested repetition operator"],
    ["a*+", "invalid nested repetition operator"],
    ["a{1001}", "invalid repeat count"],
    ["a{3,2}", "invalid repeat count"],
    ["(a{1000}){1000}", "expression too large"],
    ["(?=a)", "invalid or unsupported Perl syntax"],
    ["(?!a)", "invalid or unsupported Perl syntax"],
    ["(?<!a)", "invalid named capture"],
    ["(?>a)", "invalid or unsupported Perl syntax"],
    ["(?P<a>x)(?P<a>y)", "duplicate capture group name"],
    ["(a)\\1", "invalid escape sequence"],
    ["\\y", "invalid escape sequence"],
    ["a\\", "trailing backslash at end of expression"],
    ["[b-a]", "invalid character class range"],
    ["[[:none:]]", "invalid character class range"],
    ["\\p{None}", "invalid character class range"],
    ["(".repeat(300) + ")".repeat(300), "expression nests too deeply"],
  ])("%s", (pattern, reason) => {
    expect(re2Fault(pattern)).toBe(reason);
  });

  test("nothing else ends the search for a fault", () => {
    const parts = [
      "(",
      ")",
      "[",
      "]",
      "*",
      "{2,3}",
      "\\",
      "p",
      "{",
      "}",
      "?",
      "|",
      "^",
      "-",
      "a",
      ":",
      "(?i",
      "\\Q",
      "é",
    ];
    for (let number = 0; number < 20_000; number++) {
      let left = number * 2_654_435_761;
      let pattern = "";
      for (; left > 0; left = Math.floor(left / parts.length)) pattern += parts[left % parts.length];
      expect(["string", "undefined"]).toContain(typeof re2Fault(pattern));
    }
  });
});
