import { describe, expect, test } from "vitest";
import { basicCredentials, isInternal, mayEnter, type UserModule } from "../../../../src/http/access/basic-auth.js";

const module = (flag: UserModule["flag"], ...users: [string, string][]): UserModule => ({
  flag,
  users: new Map(users),
});
const base64 = (text: string) => Buffer.from(text).toString("base64");
const yes: [string, string] = ["ann", "a"];
const no: [string, string] = ["ann", "other"];

describe("credentials", () => {
  test.each([
    [`Basic ${base64("ann:p:ä")}`, { user: "ann", password: "p:ä" }],
    [`bAsIc ${base64(":")}`, { user: "", password: "" }],
    [`Basic ${base64("ann")}`, undefined],
    [`Bearer ${base64("ann:p")}`, undefined],
    ["Basic !!!", undefined],
    ["Basic", undefined],
    [undefined, undefined],
  ])("of %j", (header, credentials) => {
    expect(basicCredentials(header)).toEqual(credentials);
  });
});

describe("the flags of login modules", () => {
  test.each([
    [[module("required", yes)], true],
    [[module("required", no)], false],
    [[module("required", ["bob", "a"])], false],
    [[module("required", yes), module("required", no)], false],
    [[module("sufficient", yes), module("required", no)], true],
    [[module("required", no), module("sufficient", yes)], false],
    [[module("requisite", no), module("sufficient", yes)], false],
    [[module("sufficient", no), module("required", yes)], true],
    [[module("optional", no)], false],
    [[module("optional", yes)], true],
    [[], false],
  ])("case %#: let in: %s", (modules, allowed) => {
    expect(mayEnter(modules, { user: "ann", password: "a" })).toBe(allowed);
  });

  test("a file without users lets everybody in", () => {
    expect(mayEnter([module("required")], undefined)).toBe(true);
    expect(mayEnter([module("required", yes)], undefined)).toBe(false);
    expect(mayEnter([module("required", ["", ""])], { user: "x", password: "" })).toBe(false);
  });
});

test.each([
  ["POST", "/connectors/a%2Fb/tasks", true],
  ["POST", "/connectors/c/tasks/", true],
  ["PUT", "/connectors/c/fence", true],
  ["GET", "/connectors/c/tasks", false],
  ["POST", "/connectors/c/fence", false],
  ["POST", "/connectors/c/tasks/0/restart", false],
  ["PUT", "/connectors/a/b/fence", false],
])("%s %s is a request between workers: %s", (method, path, internal) => {
  expect(isInternal(method, path)).toBe(internal);
});
