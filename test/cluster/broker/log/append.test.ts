import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appendProduced } from "../../../../src/broker/log/append-produced.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { batchOf, openTestLog, readAll } from "../../../support/broker-log.js";

const ARRIVAL = { nowMs: 1_700_000_000_000, apiVersion: 9 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a batch that the topic's compression.type makes the broker write anew", () => {
  const value = "v".repeat(10_000);
  const gzip = () => batchOf([{ value }], undefined, "gzip");

  test.each([
    ["max.message.bytes", "MESSAGE_TOO_LARGE"],
    ["segment.bytes", "RECORD_LIST_TOO_LARGE"],
  ] as const)("is refused when it then is larger than %s", (setting, error) => {
    const log = openTestLog(folder, { configs: { "compression.type": "uncompressed", [setting]: "9999" } });
    expect(appendProduced(log, gzip(), ARRIVAL, "t-0")).toMatchObject({
      errorCode: ErrorCodes[error],
      baseOffset: -1,
      errorMessage: expect.stringContaining(`${setting} (9999)`),
    });
    expect(log.logEndOffset).toBe(0);
    log.close();
  });

  test("is taken when it still fits", () => {
    const log = openTestLog(folder, {
      configs: { "compression.type": "uncompressed", "max.message.bytes": "11000", "segment.bytes": "11000" },
    });
    expect(appendProduced(log, gzip(), ARRIVAL, "t-0")).toMatchObject({ errorCode: ErrorCodes.NONE, baseOffset: 0 });
    expect(readAll(log).map((record) => record.value!.toString())).toEqual([value]);
    log.close();
  });
});
