import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { lineLogger } from "../../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../../src/base/log/log-levels.js";
import { RedactingLogger } from "../../../../src/herder/config/redacting-logger.js";
import { Redactions } from "../../../../src/herder/config/redaction.js";

describe("the log of a worker's connectors", () => {
  let lines: string[];
  let logger: RedactingLogger;
  beforeEach(() => {
    lines = [];
    const redactions = new Redactions(new SimClock());
    redactions.note("c", `\${vault:k}`, "hunter2");
    const text = lineLogger((line) => lines.push(line), new SimClock(), new LogLevels("trace"), "worker");
    logger = new RedactingLogger(text, redactions);
  });

  test("shows references in messages, fields and causes about a connector", () => {
    logger
      .child("connector", { connector: "c" })
      .child("deeper")
      .named("org.apache.kafka.clients")
      .error("no hunter2", {}, new Error("hunter2 is wrong"));
    logger.info("A task is RUNNING", { connector: "c", waitingFor: "hunter2" });
    expect(lines.join("\n")).not.toContain("hunter2");
    expect(lines.join("\n")).toMatch(/no \$\{vault:k\}.*\n {4}Error: \$\{vault:k\} is wrong/);
    expect(lines[1]).toMatch(/connector=c waitingFor=\$\{vault:k\}$/);
  });

  test("shows references in lines about no connector, such as the loss of a task host", () => {
    logger.error("A task host is lost", { host: 1, reason: "Error: hunter2 is wrong" }, new Error("no hunter2"));
    logger.child("host-1").warn("a promise with hunter2");
    expect(lines.join("\n")).not.toContain("hunter2");
    expect(lines[0]).toContain(`reason="Error: \${vault:k} is wrong"\n    Error: no \${vault:k}`);
  });

  test("does not change lines about other connectors", () => {
    logger.debug("of another", { connector: "hunter2" });
    expect(lines[0]).toMatch(/of another connector=hunter2$/);
  });
});
