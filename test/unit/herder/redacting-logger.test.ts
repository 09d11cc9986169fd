import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { TextLogger } from "../../../src/base/logger.js";
import { RedactingLogger } from "../../../src/herder/redacting-logger.js";
import { Redactions } from "../../../src/herder/redaction.js";

describe("the log of what a worker runs", () => {
  let lines: string[];
  let logger: RedactingLogger;
  beforeEach(() => {
    lines = [];
    const redactions = new Redactions();
    redactions.of("c").note(`\${vault:k}`, "hunter2");
    const text = new TextLogger(
      (line) => lines.push(line),
      new SimClock(),
      () => "trace",
      "worker",
    );
    logger = new RedactingLogger(text, redactions);
  });

  test("shows references in messages, fields and causes about a connector", () => {
    logger
      .child("connector", { connector: "c" })
      .child("deeper")
      .error("no hunter2", {}, new Error("hunter2 is wrong"));
    logger.info("A task is RUNNING", { connector: "c", waitingFor: "hunter2" });
    expect(lines.join("\n")).not.toContain("hunter2");
    expect(lines.join("\n")).toMatch(/no \$\{vault:k\}.*\n {4}Error: \$\{vault:k\} is wrong/);
    expect(lines[1]).toMatch(/connector=c waitingFor=\$\{vault:k\}$/);
  });

  test("leaves lines about others as they are", () => {
    const cause = new Error("hunter2 is wrong");
    logger.warn("a host hunter2", { host: 1 }, cause);
    logger.debug("of another", { connector: "hunter2" });
    expect(lines[0]).toContain(`a host hunter2 host=1\n    ${cause.stack?.split("\n")[0]}`);
    expect(lines[1]).toMatch(/of another connector=hunter2$/);
  });
});
