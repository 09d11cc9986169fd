import { describe, expect, test } from "vitest";
import { ConfigError, DataError } from "../../../../src/api/index.js";
import { configureUnder, withFullKey } from "../../../../src/worker/task/full-key.js";

describe("a message about a nested key", () => {
  test.each([
    ["Invalid value x for configuration spec: bad", "Invalid value x for configuration transforms.a.spec: bad"],
    ['Missing required configuration "spec" which', 'Missing required configuration "transforms.a.spec" which'],
    ["Configuration 'spec' values must not be empty.", "Configuration 'transforms.a.spec' values must not be empty."],
    ["Invalid value x for configuration specs: bad", "transforms.a.spec: Invalid value x for configuration specs: bad"],
    ["it is wrong", "transforms.a.spec: it is wrong"],
    ["transforms.a.spec is wrong", "transforms.a.spec is wrong"],
  ])("%s", (message, expected) => {
    expect(withFullKey(message, "spec", "transforms.a.")).toBe(expected);
  });

  test("stays as it is where the key stands without a prefix", () => {
    expect(withFullKey("it is wrong", "spec", "")).toBe("it is wrong");
  });
});

describe("a plugin's configure", () => {
  test("throws its ConfigError under the full key", () => {
    const cause = new ConfigError("spec", 'Missing required configuration "spec"', { code: "CONFIG_MISSING" });
    const fail = () =>
      configureUnder("value.converter.", () => {
        throw cause;
      });
    const message = 'Missing required configuration "value.converter.spec"';
    expect(fail).toThrow(
      expect.objectContaining({ key: "value.converter.spec", message, code: "CONFIG_MISSING", cause }),
    );
  });

  test("throws other errors as they are", () => {
    const other = new DataError("VALUE_INVALID", "no");
    const fail = () =>
      configureUnder("p.", () => {
        throw other;
      });
    expect(fail).toThrow(other);
  });
});
