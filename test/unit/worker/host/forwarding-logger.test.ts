import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { TextLogger } from "../../../../src/base/logger.js";
import { RedactingLogger } from "../../../../src/herder/config/redacting-logger.js";
import { Redactions } from "../../../../src/herder/config/redaction.js";
import { ForwardingLogger, type LogReport, writeForwarded } from "../../../../src/worker/host/forwarding-logger.js";

const REFERENCE = `\${file:secrets:pw}`;

test("a host's line arrives with its name, fields and causes, as a message that can cross threads", () => {
  const sent: LogReport[] = [];
  const task = new ForwardingLogger((report) => sent.push(structuredClone(report)), "info", "host-0").child("task", {
    connector: "shop",
    task: 0,
  });
  task.child("kafka").error("gone", { broker: 1 }, new Error("outer", { cause: new Error("inner") }));
  task.debug("unseen");
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    level: "error",
    name: "host-0.task.kafka",
    message: "gone",
    fields: { connector: "shop", task: 0, broker: 1 },
  });
  expect(sent[0]?.cause).toMatch(/outer[\s\S]*inner/);
});

test("a config provider's value appears as its reference, in the line and in its causes", () => {
  const lines: string[] = [];
  const redactions = new Redactions();
  redactions.of("shop").note(REFERENCE, "hunter2-secret");
  const worker = new RedactingLogger(
    new TextLogger(
      (line) => lines.push(line),
      new SimClock(0),
      () => "info",
      "worker",
    ),
    redactions,
  );
  const host = new ForwardingLogger((report) => writeForwarded(report, worker), "info", "host-0");
  const task = host.child("task", { connector: "shop" });
  task.error("acks=hunter2-secret is wrong", { value: "hunter2-secret" }, new Error("no such acks: hunter2-secret"));
  task.info("started with hunter2-secret");
  expect(lines).toHaveLength(2);
  expect(lines.join("\n")).not.toContain("hunter2");
  expect(lines[0]).toContain(`worker.host-0.task acks=${REFERENCE} is wrong connector=shop`);
});
