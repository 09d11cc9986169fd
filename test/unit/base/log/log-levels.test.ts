import { beforeEach, describe, expect, test } from "vitest";
import { LOG_LEVELS, LogLevels, parseLogLevel } from "../../../../src/base/log/log-levels.js";

describe("the levels of loggers", () => {
  let levels: LogLevels;
  beforeEach(() => {
    levels = new LogLevels("info");
    for (const name of ["a", "a.b", "a.b.c", "ab"]) levels.add(name);
  });

  const shown = () => levels.all().map(({ name, level }) => `${name} ${level}`);
  const levelOf = (name: string, connector?: string) => LOG_LEVELS[levels.rank(name, connector)];

  test("are the root's until one is set", () => {
    expect(shown()).toEqual(["a info", "a.b info", "a.b.c info", "ab info", "root info"]);
    expect(levels.one("a.b")).toEqual({ name: "a.b", level: "info", modifiedMs: null });
    expect(levels.one("a.b.unheard")).toBeUndefined();
  });

  test("change for every known logger whose name begins with the set one", () => {
    expect(levels.set("a", "debug", 1)).toEqual(["a", "a.b", "a.b.c", "ab"]);
    expect(levels.set("a.b", "warn", 2)).toEqual(["a.b", "a.b.c"]);
    expect(shown()).toEqual(["a debug", "a.b warn", "a.b.c warn", "ab debug", "root info"]);
    expect(levels.one("a")?.modifiedMs).toBe(1);
    expect(levels.one("a.b.c")?.modifiedMs).toBe(2);
  });

  test("are inherited along the dots by loggers that come later", () => {
    levels.set("a.b", "trace", 1);
    expect([levelOf("a.b.later"), levelOf("a.bus"), levelOf("a.later")]).toEqual(["trace", "info", "info"]);
  });

  test("that are set again do not count as changed", () => {
    levels.set("a.b", "debug", 1);
    expect(levels.set("a.b", "debug", 2)).toEqual([]);
    expect(levels.one("a.b")?.modifiedMs).toBe(1);
  });

  test("make the loggers that they name known, also those whose level does not change", () => {
    expect(levels.set("new", "info", 1)).toEqual([]);
    expect(levels.one("new")).toEqual({ name: "new", level: "info", modifiedMs: null });
  });

  test("of the root, in any case, are set for all", () => {
    levels.set("a.b", "error", 1);
    expect(levels.set("ROOT", "error", 2)).toEqual(["a", "ab", "root"]);
    expect(new Set(levels.all().map(({ level }) => level))).toEqual(new Set(["error"]));
    expect(levels.one("Root")).toEqual({ name: "root", level: "error", modifiedMs: 2 });
  });

  test("that are off are not listed, but shown when asked for", () => {
    levels.set("a.b", "off", 1);
    expect(shown()).toEqual(["a info", "ab info", "root info"]);
    expect(levels.one("a.b.c")?.level).toBe("off");
    levels.set("root", "off", 2);
    expect(shown()).toEqual([]);
  });

  test("of a connector decide about its lines, whichever part writes them, once they are set", () => {
    levels.add("connectors.shop");
    levels.set("a", "debug", 1);
    expect(levelOf("a.b", "shop")).toBe("debug");
    levels.set("connectors.shop", "error", 2);
    expect([levelOf("a.b", "shop"), levelOf("x", "shop"), levelOf("a.b", "other")]).toEqual([
      "error",
      "error",
      "debug",
    ]);
    levels.set("a", "trace", 3);
    expect(levelOf("a", "shop")).toBe("error");
    levels.set("root", "warn", 4);
    levels.set("a", "trace", 5);
    expect(levelOf("a", "shop")).toBe("trace");
  });

  test("of all connectors hold for those that come later", () => {
    levels.set("connectors", "debug", 1);
    expect(levelOf("a", "later")).toBe("debug");
  });

  test("move to another thread as data", () => {
    levels.set("a.b", "trace", 1);
    const { root, set } = structuredClone(levels.settings());
    const there = new LogLevels(root, set);
    expect(LOG_LEVELS[there.rank("a.b.c")]).toBe("trace");
    const heard: unknown[] = [];
    levels.onChange((settings) => heard.push(settings));
    levels.set("root", "warn", 2);
    expect(heard).toEqual([{ root: "warn", set: [] }]);
    const { version } = there;
    there.replace(levels.settings());
    expect(LOG_LEVELS[there.rank("a.b.c")]).toBe("warn");
    expect(there.version).toBeGreaterThan(version);
  });
});

test("a level's name may have any case and blanks around it", () => {
  expect([parseLogLevel(" Warn "), parseLogLevel("ALL"), parseLogLevel("loud"), parseLogLevel("")]).toEqual([
    "warn",
    "all",
    undefined,
    undefined,
  ]);
});
