import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SYSTEM_DISK } from "../../../../src/base/files/disk.js";
import { adoptCleaned } from "../../../../src/broker/log/cleaning/adopt-cleaned.js";
import { CleaningInLoop } from "../../../../src/broker/log/cleaning/cleaning-in-loop.js";
import { describeCleaning } from "../../../../src/broker/log/cleaning/cleaning-job.js";
import type { CleaningWorker } from "../../../../src/broker/log/cleaning/cleaning-worker.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import { append, batchOf, openTestLog, readAll } from "../../../support/broker-log.js";

// A thread only runs compiled code, so its starter is imported from dist, too.
const COMPILED = new URL("../../../../dist/src/broker/log/cleaning/cleaning-in-thread.js", import.meta.url).href;
const { CleaningInThread } = (await import(
  COMPILED
)) as typeof import("../../../../src/broker/log/cleaning/cleaning-in-thread.js");

let folder: string;
let worker: CleaningWorker;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-log-"));
  worker = new CleaningInThread();
});
afterEach(async () => {
  await worker.end();
  rmSync(folder, { recursive: true, force: true });
});

const configs = { "cleanup.policy": "compact", "segment.bytes": "500", "index.interval.bytes": "100" };

/** A log whose segments but the last are sealed. */
async function filled(name: string): Promise<PartitionLog> {
  const path = join(folder, name);
  const log = openTestLog(path, { configs });
  for (let at = 0; at < 200; at++) append(log, batchOf([{ key: `k${at % 7}`, value: `${at}`.padEnd(20) }]));
  await log.close();
  return openTestLog(path, { configs });
}

function jobOf(log: PartitionLog) {
  const plan = { firstDirtyOffset: 0, endOffset: log.segments.at(-1)!.baseOffset, dirtyRatio: 1 };
  return describeCleaning(log, plan, { nowMs: 0, dedupeBufferBytes: 1 << 16 });
}

const recordsOf = (log: PartitionLog) => readAll(log).map(({ offset, value }) => `${offset} ${value}`);

test("a thread cleans a log as the loop does", async () => {
  const log = await filled("t-0");
  const other = await filled("t-1");
  const before = recordsOf(log).length;
  const job = jobOf(log);
  expect(await worker.clean(job, (group) => adoptCleaned(log, group))).toBe(job.endOffset);
  const inLoop = new CleaningInLoop(SYSTEM_DISK, async () => undefined);
  await inLoop.clean(jobOf(other), (group) => adoptCleaned(other, group));
  expect(recordsOf(log)).toEqual(recordsOf(other));
  expect(recordsOf(log).length).toBeLessThan(before);
  expect(readdirSync(log.folder).filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([]);
  log.abandon();
  expect(recordsOf(openTestLog(log.folder, { configs }))).toEqual(recordsOf(other));
});

test("a failure in the thread is one of the log's content or of the disk, and the next cleaning succeeds", async () => {
  const log = await filled("t-0");
  const job = jobOf(log);
  const wrong = { ...job, segments: job.segments.map((each) => ({ ...each, size: each.size + 1 })) };
  const adopt = async () => true;
  await expect(worker.clean(wrong, adopt)).rejects.toMatchObject({ name: "MalformedError" });
  const gone = { ...job, folder: join(folder, "gone") };
  await expect(worker.clean(gone, adopt)).rejects.toMatchObject({ code: "ENOENT", syscall: "open" });
  const refused = new Error("refused");
  await expect(worker.clean(job, () => Promise.reject(refused))).rejects.toBe(refused);
  await worker.end();
  expect(await worker.clean(job, (group) => adoptCleaned(log, group))).toBe(job.endOffset);
});

test("a cleaning can be ended between two groups, and another one follows", async () => {
  const log = await filled("t-0");
  const job = jobOf(log);
  let adopted = 0;
  const ended = await worker.clean({ ...job, segmentBytes: 1 }, async () => {
    adopted++;
    await worker.end();
    return true;
  });
  expect([ended, adopted]).toEqual([undefined, 1]);
  expect(await worker.clean(job, (group) => adoptCleaned(log, group))).toBe(job.endOffset);
});

test("a cleaning that is ended waits for the group that a log is adopting", async () => {
  const log = await filled("t-0");
  const job = jobOf(log);
  const events: string[] = [];
  await worker.clean(job, async (group) => {
    await worker.end();
    events.push(`adopted: ${await adoptCleaned(log, group)}`);
    return true;
  });
  events.push("ended");
  expect(events).toEqual(["adopted: true", "ended"]);
});

const isLinux = process.platform === "linux";

test.runIf(isLinux)("a cleaning whose group was not adopted holds no files during the next one", async () => {
  const log = await filled("t-0");
  const other = await filled("t-1");
  expect(await worker.clean({ ...jobOf(log), segmentBytes: 1 }, async () => false)).toBe(undefined);
  log.files.close();
  let open: string[] = [];
  await worker.clean(jobOf(other), async () => {
    open = openFiles().filter(
      (path) => path.startsWith(`${log.folder}/`) && !path.startsWith(log.segments.at(-1)!.path),
    );
    return false;
  });
  expect(open).toEqual([]);
});

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The descriptor that has read the folder.
      return [];
    }
  });
}

/** Cleans a job, its last argument, and prints the nice values of its process and of its most urgent thread. */
const CLEANING_PROCESS = `
  import { readdirSync, readFileSync } from "node:fs";
  import { getPriority } from "node:os";
  const { CleaningInThread } = await import(process.argv[2]);
  const niceOf = (task) => Number(readFileSync("/proc/self/task/" + task + "/stat", "utf8").split(") ")[1].split(" ")[16]);
  const worker = new CleaningInThread();
  await worker.clean(JSON.parse(process.argv[3]), async () => {
    console.log(JSON.stringify([getPriority(), Math.min(...readdirSync("/proc/self/task").map(niceOf))]));
    return false;
  });
  await worker.end();
`;

test.runIf(isLinux)("a thread does not raise a priority that is low already: most users may not", async () => {
  const job = JSON.stringify(jobOf(await filled("t-0")));
  const script = join(folder, "clean.mjs");
  writeFileSync(script, CLEANING_PROCESS);
  const args = ["-n", "15", process.execPath, script, COMPILED, job];
  const [own, mostUrgent] = JSON.parse(execFileSync("nice", args, { encoding: "utf8" })) as [number, number];
  expect(own).toBeGreaterThanOrEqual(15);
  expect(mostUrgent).toBe(own);
});
