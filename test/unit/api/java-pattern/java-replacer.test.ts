// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Java's references.
import { describe, expect, test } from "vitest";
import { javaReplacer } from "../../../../src/api/index.js";

const KEYS = { pattern: "regex", replacement: "replacement" };
const replace = (pattern: string, replacement: string, text: string) => javaReplacer(KEYS, pattern, replacement)(text);

describe("javaReplacer", () => {
  test.each([
    ["(a+)(b)", "$2$1$0", "aab", "baaaab"],
    ["(?<x>a)(?:b)(?<y>c)", "${y}${x}$1", "abc", "caa"],
    ["(a)|b", "<$1>", "b", "<>"],
    ["(?=(a))a", "$1$1", "a", "aa"],
    ["(?>(a+))b", "$1", "aab", "aa"],
    ["(a)++b", "$1", "aab", "a"],
    ["((a)b)+", "$1-$2", "abab", "ab-a"],
    ["a", "\\$1\\\\", "a", "$1\\"],
    ["(((((((((((a)))))))))))", "$11$12", "a", "aa2"],
  ])("%s → %s", (pattern, replacement, text, result) => {
    expect(replace(pattern, replacement, text)).toBe(result);
  });

  test("answers undefined where the whole text does not match", () => {
    expect(replace("a", "b", "ab")).toBeUndefined();
  });

  test("refuses what Java refuses, naming the key", () => {
    expect(() => replace("(", "", "")).toThrow(/^Invalid value \( for configuration regex: Invalid regex: /);
    for (const replacement of ["\\", "$", "$x", "$1", "${x}", "${x"])
      expect(() => replace("a", replacement, "a")).toThrow(/for configuration replacement: /);
  });

  test("refuses groups that may capture another text than in Java, if they are used", () => {
    for (const pattern of ["(?:(a)|b)+", "(?:(a)?b)*", "(a*)*", "(?!(a))b", "(?<=(a))b"]) {
      expect(() => replace(pattern, "$1", "")).toThrow(/such groups are not supported/);
      expect(() => replace(pattern, "x", "")).not.toThrow();
    }
  });
});
