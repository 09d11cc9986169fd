import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { startBroker } from "../../../src/broker/start-broker.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";

let broker: TestBroker;
let folder: string;
beforeEach(async () => {
  broker = await startTestBroker();
  folder = mkdtempSync(join(tmpdir(), "millrace-failed-"));
});
afterEach(async () => {
  await broker?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a broker on the other's port. */
function start(dataDir: string) {
  const rest = { clock: new SystemClock(), random: new SystemRandom(), logger: silentLogger };
  return startBroker({ dataDir, listen: broker.bootstrap, ...rest });
}

test("a start that fails leaves no folder that it has made", async () => {
  await expect(start(join(folder, "data", "broker"))).rejects.toThrow(/port/i);
  expect(readdirSync(folder)).toEqual([]);
});

test("a start that fails leaves what others have made", async () => {
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "notes"), "x");
  await expect(start(join(folder, "data", "broker"))).rejects.toThrow(/port/i);
  expect(readdirSync(join(folder, "data"))).toEqual(["notes"]);
});
