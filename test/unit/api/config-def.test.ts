import { describe, expect, test } from "vitest";
import {
  atLeast,
  type ConfigDef,
  ConfigError,
  nonEmpty,
  oneOf,
  oneOfIgnoringCase,
  Password,
  parseConfig,
  validateConfig,
} from "../../../src/api/index.js";

const def = {
  name: { type: "string", doc: "Name.", check: nonEmpty },
  "tasks.max": { type: "int", doc: "Tasks.", default: 1, check: atLeast(1) },
  mode: { type: "string", doc: "Mode.", default: "none", check: oneOf("none", "all") },
  support: { type: "string", doc: "Support.", default: "requested", check: oneOfIgnoringCase("REQUESTED", "REQUIRED") },
  topics: { type: "list", doc: "Topics.", default: [] },
  "secret.key": { type: "password", doc: "Secret.", default: null },
  enabled: { type: "boolean", doc: "On or off.", default: false },
  ratio: { type: "double", doc: "Ratio.", default: 0.5 },
  "interval.ms": { type: "long", doc: "Interval.", default: null },
} as const satisfies ConfigDef;

const errorsOf = (props: Record<string, string | null>, name: string) =>
  validateConfig(def, { name: "n", ...props }).find((value) => value.name === name)?.errors;

describe("validateConfig", () => {
  test("returns every key in the order of the definition, with defaults", () => {
    const values = validateConfig(def, { name: " orders " });
    expect(values.map(({ name, value }) => [name, value])).toEqual([
      ["name", "orders"],
      ["tasks.max", "1"],
      ["mode", "none"],
      ["support", "requested"],
      ["topics", ""],
      ["secret.key", null],
      ["enabled", "false"],
      ["ratio", "0.5"],
      ["interval.ms", null],
    ]);
    expect(values.every(({ errors, visible }) => errors.length === 0 && visible)).toBe(true);
  });

  test("reports a missing key", () => {
    expect(validateConfig(def, {})[0]?.errors).toEqual([
      'Missing required configuration "name" which has no default value.',
    ]);
  });

  test("returns two messages for a value that is not a number if the key has a range", () => {
    expect(errorsOf({ "tasks.max": "dog" }, "tasks.max")).toEqual([
      "Invalid value dog for configuration tasks.max: Not a number of type INT",
      "Invalid value null for configuration tasks.max: Value must be non-null",
    ]);
    expect(errorsOf({ "interval.ms": "dog" }, "interval.ms")).toEqual([
      "Invalid value dog for configuration interval.ms: Not a number of type LONG",
    ]);
  });

  test.each([
    ["tasks.max", "0", "Invalid value 0 for configuration tasks.max: Value must be at least 1"],
    ["tasks.max", "2147483648", "Invalid value 2147483648 for configuration tasks.max: Not a number of type INT"],
    ["mode", "some", "Invalid value some for configuration mode: String must be one of: none, all"],
    [
      "support",
      "x",
      "Invalid value x for configuration support: String must be one of (case insensitive): REQUESTED, REQUIRED",
    ],
    ["enabled", "yes", "Invalid value yes for configuration enabled: Expected value to be either true or false"],
    ["ratio", "half", "Invalid value half for configuration ratio: Not a number of type DOUBLE"],
    ["name", " ", "Invalid value  for configuration name: String must be non-empty"],
  ])("refuses %s=%s", (key, value, message) => {
    expect(errorsOf({ [key]: value }, key)?.[0]).toBe(message);
  });

  test.each([
    ["tasks.max", "+5", "5"],
    ["support", "Required", "Required"],
    ["enabled", " TRUE ", "true"],
    ["ratio", "2", "2.0"],
    ["topics", "a , b,,c", "a,b,,c"],
    ["interval.ms", "-9223372036854775808", "-9223372036854775808"],
  ])("accepts %s=%s", (key, value, shown) => {
    const answer = validateConfig(def, { name: "n", [key]: value }).find(({ name }) => name === key);
    expect(answer?.errors).toEqual([]);
    expect(answer?.value).toBe(shown);
  });

  test("hides a password, in answers, in text and in JSON", () => {
    const shown = validateConfig(def, { name: "n", "secret.key": "hunter2" });
    expect(JSON.stringify(shown)).not.toContain("hunter2");
    const parsed = parseConfig(def, { name: "n", "secret.key": "hunter2" });
    expect(parsed["secret.key"]?.value).toBe("hunter2");
    expect(`${parsed["secret.key"]} ${JSON.stringify(parsed)}`).not.toContain("hunter2");
    expect(new Password("x").toString()).toBe("[hidden]");
  });
});

describe("parseConfig", () => {
  test("returns typed values and ignores other keys", () => {
    const values = parseConfig(def, { name: "n", topics: "a,b", "tasks.max": "3", unknown: "x" });
    const tasks: number = values["tasks.max"];
    expect([tasks, values.topics, "unknown" in values]).toEqual([3, ["a", "b"], false]);
  });

  test("throws for the first fault, naming the key", () => {
    const thrown = (() => {
      try {
        parseConfig(def, { name: "n", mode: "x" });
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(thrown).toBeInstanceOf(ConfigError);
    expect((thrown as ConfigError).key).toBe("mode");
  });
});
