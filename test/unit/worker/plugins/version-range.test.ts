import { describe, expect, test } from "vitest";
import { compareVersions } from "../../../../src/worker/plugins/maven-version.js";
import { parseVersionRange } from "../../../../src/worker/plugins/version-range.js";

describe("versions", () => {
  test.each([
    ["1.0-alpha", "1.0-b2", "1.0-beta-3", "1.0-m1", "1.0-cr1", "1.0-rc2", "1.0-SNAPSHOT", "1.0", "1.0-sp"],
    ["0.0.1", "0.1.0", "0.10.0", "1.0-x", "1-1", "1.0.1", "1.1", "1.9", "1.10", "2.0.0-rc.1", "2.0.0"],
    ["3.6.0.Final", "3.6.1.Alpha1", "3.6.1.CR1", "3.6.1.Final", "3.6.1-1", "99999999999999999999"],
    ["latest", "1"],
    ["1..2", "1.1"],
  ])("are ordered as Maven orders them: %s …", (...versions) => {
    expect([...versions].reverse().sort(compareVersions)).toEqual(versions);
    for (const [at, version] of versions.entries()) {
      for (const later of versions.slice(at + 1)) expect(compareVersions(version, later)).toBeLessThan(0);
    }
  });

  test.each([
    ["1", "1.0.0", "1.0.Final", "1-ga", "01"],
    ["1-1", "1.0-1"],
    ["1.0-RC1", "1-cr1"],
    ["1-a1", "1-alpha-1", "1.0.0-alpha1"],
  ])("are equal: %s …", (...versions) => {
    for (const one of versions) for (const other of versions) expect(compareVersions(one, other)).toBe(0);
  });
});

describe("a version range", () => {
  test.each([
    ["1.2", "[1.2,1.2]", ["1.2", "1.2.0"], ["1.3"]],
    [" [1.2] ", "[1.2,1.2]", ["1.2"], ["1.1", "1.3"]],
    ["[1.0,2.0)", "[1.0,2.0)", ["1.0", "1.9"], ["0.9", "2.0"]],
    ["(1.0,2.0]", "(1.0,2.0]", ["1.0.1", "2.0"], ["1.0", "2.0.1"]],
    ["(,2.0)", "(,2.0)", ["0.1", "1.9"], ["2.0"]],
    ["[1.0,)", "[1.0,)", ["1.0", "9"], ["0.9"]],
    ["[1,2) , [3,4]", "[1,2),[3,4]", ["1", "3.5"], ["2", "5"]],
    ["", "[,]", [], ["1.0"]],
    ["LATEST", "[LATEST,LATEST]", [], ["1.0"]],
  ])("%j is %s", (text, shown, inside, outside) => {
    const range = parseVersionRange(text)!;
    expect(String(range)).toBe(shown);
    for (const version of inside) expect(range.contains(version)).toBe(true);
    for (const version of outside) expect(range.contains(version)).toBe(false);
  });

  test("absent or latest is no constraint", () => {
    for (const text of [undefined, null, "latest"]) expect(parseVersionRange(text)).toBeUndefined();
  });

  test.each([
    ["[1", "Unbounded range: [1"],
    ["[5,4]", "Range defies version ordering: [5,4]"],
    ["(1,1]", "Range defies version ordering: (1,1]"],
    ["(4)", "Single version must be surrounded by []: (4)"],
    ["[1,3],[2,4]", "Ranges overlap: [1,3],[2,4]"],
    ["[1,2],3", "Only fully-qualified sets allowed in multiple set scenario: [1,2],3"],
  ])("%s is refused in Maven's words", (text, message) => {
    expect(() => parseVersionRange(text)).toThrow(message);
  });
});
