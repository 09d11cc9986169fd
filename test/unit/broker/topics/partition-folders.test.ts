import { expect, test } from "vitest";
import { writeFile } from "../../../../src/base/files/durable-files.js";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { SealedFiles } from "../../../../src/broker/log/segments/sealed-files.js";
import { PartitionFolders } from "../../../../src/broker/topics/partition-folders.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

function deletedPartition() {
  const disk = new MemoryDisk(new SeededRandom(1));
  const steps: string[] = [];
  const errors: LogFields[] = [];
  const folders = new PartitionFolders({
    folder: "/data",
    files: new SealedFiles(disk),
    random: new SeededRandom(2),
    logger: { ...silentLogger, error: (_: string, fields: LogFields = {}) => void errors.push(fields) },
    turn: async () => void steps.push("turn"),
  });
  const path = folders.pathOf("t", 0);
  disk.makeFolder(path);
  for (const name of ["1.log", "2.log", "3.log"]) writeFile(disk, `${path}/${name}`, "x");
  const renamed = folders.rename(path);
  const { removeLater } = disk;
  disk.removeLater = (each) => {
    steps.push(each.replace(/^.*\//, ""));
    return removeLater.call(disk, each);
  };
  return { disk, folders, renamed, steps, errors };
}

test("the files of a deleted partition are removed in the background, so that requests are served meanwhile", async () => {
  const { disk, folders, renamed, steps } = deletedPartition();
  await folders.removeLater(renamed);
  expect(steps).toEqual(["1.log", "2.log", "3.log"]);
  expect(disk.list("/data")).toEqual([]);
});

test("what cannot be removed of a deleted partition is left to the next start", async () => {
  const { disk, folders, renamed, errors } = deletedPartition();
  disk.broken = { call: "write", path: /2\.log/, code: "EIO" };
  await folders.removeLater(renamed);
  expect(errors).toEqual([{ folder: renamed }]);
  disk.broken = undefined;
  folders.putAsideStrays(new Map());
  expect(disk.list("/data")).toEqual([]);
});
