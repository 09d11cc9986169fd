import type { DiskFault, FolderOrder, MemoryDisk } from "../memory-disk.js";

/** Faults for a history to draw from: power cuts as often as failing calls. */
export const FAULTS: readonly DiskFault["kind"][] = ["cut", "cut", "EIO", "ENOSPC"];
/** Ends of a process for a history to draw from. */
export const ENDS = ["cut", "cut", "kill", "close", "close and cut"] as const;

/** Half of the histories are on a file system that forces less than the journal of all folders. */
export function folderOrderOf(seed: number): FolderOrder {
  return seed % 2 === 0 ? "journal" : "by name";
}

/** A process's part that works on the disk: a log, or several. */
interface Living {
  abandon(): void;
  close(): Promise<void>;
}

/** Opens a part; undefined if the disk fails meanwhile: it then works again, for the next life. */
export async function openLife<T extends Living>(disk: MemoryDisk, open: () => Promise<T>): Promise<T | undefined> {
  try {
    const opened = await open();
    if (!disk.isCut) return opened;
    opened.abandon();
  } catch (cause) {
    if (!disk.isFaulty) throw cause;
    if (disk.openFiles.length > 0 && !disk.isCut) throw new Error(`left open: ${disk.openFiles}`, { cause });
  }
  disk.restart();
  return undefined;
}

/** Ends the process: by a clean stop if the disk still works, a kill, or a power cut, perhaps right after a clean stop. */
export async function endLife(disk: MemoryDisk, part: Living, how: (typeof ENDS)[number]): Promise<void> {
  if (!how.startsWith("close") || disk.isCut) part.abandon();
  else {
    await part.close().catch((cause: unknown) => {
      if (!disk.isFaulty) throw cause;
    });
  }
  if (how.endsWith("cut") || disk.isCut) disk.restart();
  else disk.kill();
}
