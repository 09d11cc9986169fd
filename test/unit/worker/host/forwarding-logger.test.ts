import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { lineLogger } from "../../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../../src/base/log/log-levels.js";
import { RedactingLogger } from "../../../../src/herder/config/redacting-logger.js";
import { Redactions } from "../../../../src/herder/config/redaction.js";
import { forwardingLogger, type LogReport, writeForwarded } from "../../../../src/worker/host/forwarding-logger.js";

const REFERENCE = `\${file:secrets:pw}`;

test("a host's line arrives with its name, fields and causes, as a message that can cross threads", () => {
  const sent: LogReport[] = [];
  const send = (report: LogReport) => sent.push(structuredClone(report));
  const host = forwardingLogger(send, new SimClock(), new LogLevels("info"), "host");
  const task = host.named("task", { connector: "shop", task: 0 });
  task.child("kafka").error("gone", { broker: 1 }, new Error("outer", { cause: new Error("inner") }));
  task.debug("unseen");
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    level: "error",
    name: "task.kafka",
    message: "gone",
    fields: { connector: "shop", task: 0, broker: 1 },
  });
  expect(sent[0]?.cause).toMatch(/outer[\s\S]*inner/);
});

test("a config provider's value appears as its reference, in the line and in its causes", () => {
  const lines: string[] = [];
  const redactions = new Redactions(new SimClock());
  redactions.note("shop", REFERENCE, "hunter2-secret");
  const worker = new RedactingLogger(
    lineLogger((line) => lines.push(line), new SimClock(), new LogLevels("info"), "worker"),
    redactions,
  );
  const send = (report: LogReport) => writeForwarded(report, worker);
  const task = forwardingLogger(send, new SimClock(), new LogLevels("info"), "task", { connector: "shop" });
  task.error("acks=hunter2-secret is wrong", { value: "hunter2-secret" }, new Error("no such acks: hunter2-secret"));
  task.info("started with hunter2-secret");
  expect(lines).toHaveLength(2);
  expect(lines.join("\n")).not.toContain("hunter2");
  expect(lines[0]).toContain(`task acks=${REFERENCE} is wrong connector=shop`);
});
