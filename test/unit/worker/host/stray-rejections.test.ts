import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { LogLevels } from "../../../../src/base/log/log-levels.js";
import { forwardingLogger, type LogReport } from "../../../../src/worker/host/forwarding-logger.js";
import { logStrayRejections } from "../../../../src/worker/host/stray-rejections.js";

test("an unhandled rejection is logged with its stack", () => {
  const reports: LogReport[] = [];
  const source = new EventEmitter();
  const send = (report: LogReport) => reports.push(report);
  logStrayRejections(source, forwardingLogger(send, new SimClock(), new LogLevels("warn"), "host-1"));
  const error = new Error("forgotten");
  // With a listener Node leaves the thread alone; without one the rejection ends it.
  expect(source.emit("unhandledRejection", error)).toBe(true);
  expect(reports).toMatchObject([{ level: "error", name: "host-1", cause: error.stack }]);
});
