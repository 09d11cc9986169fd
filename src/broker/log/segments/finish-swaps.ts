import { join } from "node:path";
import { readAt } from "../../../base/files/durable-files.js";
import type { Logger } from "../../../base/logger.js";
import { lastOffset, walkHeaders } from "./batch-walk.js";
import type { SealedFiles } from "./sealed-files.js";
import { offsetsOf } from "./segment-path.js";
import { SegmentSwap } from "./segment-swap.js";

/**
 * Finishes or undoes an interrupted compaction: a `.log.swap` is complete and counts, a `.cleaned` never did. Also
 * deletes index files that have lost their segment. Called before the log is opened.
 *
 * @returns the names of the files in the folder afterwards. @throws the disk's error.
 */
export function finishSwaps(
  folder: string,
  files: SealedFiles,
  indexIntervalBytes: number,
  logger: Logger,
): ReadonlySet<string> {
  const { disk } = files;
  const list = () => new Set(disk.list(folder).map(({ name }) => name));
  const names = list();
  const swaps = [...names].filter((name) => name.endsWith(".log.swap")).sort();
  const logs = new Set([...names].filter((name) => /\.log(\.swap)?$/.test(name)).map((name) => name.slice(0, 20)));
  const isOrphan = (name: string) => /^\d{20}\.(time|txn)?index/.test(name) && !logs.has(name.slice(0, 20));
  // Of a compaction that was interrupted before its `.swap`; another one would take it for its own.
  const isEarly = (name: string) => /index\.swap$/.test(name) && !names.has(`${name.slice(0, 20)}.log.swap`);
  const leftOver = [...names].filter((name) => {
    return /\.(cleaned|deleted|tmp)$/.test(name) || isOrphan(name) || isEarly(name);
  });
  // A killed process may have renamed a segment and not forced that to disk: with its old name, and without its index, it
  // would be taken for cut off, and what follows it for lost.
  if (leftOver.some((name) => name.endsWith(".deleted") || isOrphan(name))) disk.syncFolder(folder);
  for (const name of leftOver) {
    disk.remove(join(folder, name));
    names.delete(name);
  }
  for (const name of swaps) {
    const base = Number(name.slice(0, 20));
    const last = lastOffsetOf(join(folder, name), files);
    logger.info("Finishing an interrupted compaction", { folder, segment: base });
    const replaced = offsetsOf(list(), "log").filter((b) => b >= base && b <= Math.max(base, last));
    const swap = new SegmentSwap(folder, base, files);
    swap.restoreIndex(indexIntervalBytes);
    // Its name must not be lost once what it replaces is gone.
    disk.syncFolder(folder);
    for (const step of swap.takePlace(replaced)) {
      if (step.kind === "sync") disk.syncFolder(folder);
      else disk.remove(step.path);
    }
  }
  return swaps.length > 0 ? list() : names;
}

function lastOffsetOf(path: string, { disk }: SealedFiles): number {
  const fd = disk.open(path, "read");
  let last = -1;
  try {
    walkHeaders(
      (position, length) => readAt(disk, fd, position, length),
      0,
      disk.size(fd),
      (header) => {
        last = lastOffset(header);
        return false;
      },
    );
  } finally {
    disk.close(fd);
  }
  return last;
}
