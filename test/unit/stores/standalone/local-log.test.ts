import { describe, expect, it } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { CompactedLog } from "../../../../src/stores/compacted-log.js";
import type { StoreRecord } from "../../../../src/stores/log-transport.js";
import { IN_MEMORY, LocalLog, type LocalRecords } from "../../../../src/stores/standalone/local-log.js";

const record = (key: string, value: string | null = "1"): StoreRecord => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});

function openLog(records: LocalRecords) {
  const folded: string[] = [];
  const log = new CompactedLog({
    topic: "offsets",
    transport: new LocalLog(records),
    clock: new SimClock(),
    random: new SeededRandom(1),
    logger: silentLogger,
    fold: {
      apply: ({ key, value, offset }) => {
        folded.push(`${offset}:${key}=${value}`);
        return undefined;
      },
    },
  });
  return { log, folded };
}

describe("a local log", () => {
  it("has folded the loaded records once it has started", async () => {
    const { log, folded } = openLog({ load: () => [record("a"), record("b")], store() {} });
    await log.start();
    expect(folded).toEqual(["0:a=1", "1:b=1"]);
    await log.close();
  });

  it("folds its own writes in order, tombstones included", async () => {
    const { log, folded } = openLog(IN_MEMORY);
    await log.start();
    await Promise.all([log.send([record("a"), record("a", "2")]), log.send([record("a", null)])]);
    await log.readToEnd();
    expect(folded).toEqual(["0:a=1", "1:a=2", "2:a=null"]);
    await log.close();
  });

  it("folds nothing that could not be stored, and tells the writer why", async () => {
    let full = true;
    const store = () => {
      if (full) throw new Error("ENOSPC: no space left on device");
    };
    const { log, folded } = openLog({ load: () => [], store });
    await log.start();
    await expect(log.send([record("a")])).rejects.toThrow("ENOSPC: no space left on device");
    full = false;
    await log.send([record("b")]);
    await log.readToEnd();
    expect(folded).toEqual(["0:b=1"]);
    await log.close();
  });
});
