import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { lineLogger } from "../../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../../src/base/log/log-levels.js";

describe("a log", () => {
  let lines: string[];
  let levels: LogLevels;
  beforeEach(() => {
    lines = [];
    levels = new LogLevels("info");
  });
  const logger = (format?: "text" | "json") =>
    lineLogger((line) => lines.push(line), new SimClock(0), levels, "worker", format);
  const nested = new Error("outer", { cause: new Error("inner") });

  test("line has its fields and the chain of causes", () => {
    logger()
      .child("task", { connector: "a", task: 0 })
      .error("failed", { topic: "two words", none: undefined }, nested);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(
      '1970-01-01T00:00:00.000Z ERROR worker.task failed connector=a task=0 topic="two words"\n    Error: outer',
    );
    expect(lines[0]).toMatch(/\n {4}Caused by: Error: inner/);
  });

  test("line as JSON is one object on one line", () => {
    const task = logger("json").named("io.debezium", { connector: "a", task: 0 });
    task.warn("two\nlines", { offset: 2n ** 60n, paused: false, none: undefined }, nested);
    task.info("plain");
    expect(lines.join("")).not.toContain("\n");
    const [first, second] = lines.map((line) => JSON.parse(line));
    expect(first).toEqual({
      timestamp: "1970-01-01T00:00:00.000Z",
      level: "WARN",
      logger: "io.debezium",
      message: "two\nlines",
      connector: "a",
      task: 0,
      fields: { offset: String(2n ** 60n), paused: false },
      error: expect.stringMatching(/^Error: outer\n[\s\S]*Caused by: Error: inner/),
    });
    expect(second).toEqual({
      timestamp: "1970-01-01T00:00:00.000Z",
      level: "INFO",
      logger: "io.debezium",
      message: "plain",
      connector: "a",
      task: 0,
    });
  });

  test("obeys the levels of its loggers, from the moment of a change", () => {
    const task = logger().named("a.b");
    task.debug("unseen");
    levels.set("a", "debug", 0);
    task.debug("seen");
    levels.set("a.b", "off", 0);
    task.error("not seen any more");
    expect(lines.map((line) => line.split(" ").at(-1))).toEqual(["seen"]);
  });

  test("obeys a connector's level in all lines about it", () => {
    const herder = logger().named("herder");
    const task = logger().named("task", { connector: "loud" });
    levels.set("connectors.loud", "debug", 0);
    levels.set("connectors.quiet", "error", 0);
    task.child("kafka").debug("1");
    task.debug("unseen", { connector: "quiet" });
    herder.debug("2", { connector: "loud" });
    herder.info("unseen", { connector: "quiet" });
    herder.info("3", { connector: "other" });
    expect(lines.map((line) => line.split(" ").filter((word) => /^\d$/.test(word)))).toEqual([["1"], ["2"], ["3"]]);
  });

  test("makes its loggers, and those of the connectors in its lines, known", () => {
    logger().named("a.b", { connector: "x" }).child("c").info("line", { connector: "y" });
    expect(levels.all().map(({ name }) => name)).toEqual([
      "a.b",
      "a.b.c",
      "connectors.x",
      "connectors.y",
      "root",
      "worker",
    ]);
  });
});
