import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { ForwardingLogger, type LogReport } from "../../../../src/worker/host/forwarding-logger.js";
import { logStrayRejections } from "../../../../src/worker/host/stray-rejections.js";

test("an unhandled rejection is logged with its stack", () => {
  const reports: LogReport[] = [];
  const source = new EventEmitter();
  logStrayRejections(source, new ForwardingLogger((report) => reports.push(report), "warn", "host-1"));
  const error = new Error("forgotten");
  // With a listener Node leaves the thread alone; without one the rejection ends it.
  expect(source.emit("unhandledRejection", error)).toBe(true);
  expect(reports).toMatchObject([{ level: "error", name: "host-1", cause: error.stack }]);
});
