import type { Disk } from "../../../base/files/disk.js";
import { writeFile, writeFileDurably } from "../../../base/files/durable-files.js";
import { ByteReader } from "../../../protocol/byte-reader.js";
import { ByteWriter } from "../../../protocol/byte-writer.js";
import { crc32c } from "../../../protocol/crc32c.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import { sequenceAfter } from "../../../protocol/records/sequence.js";
import { offsetsOf, segmentPath } from "../segments/segment-path.js";
import type { ProducerEntry, ProducerState, RememberedBatch } from "./producer-state.js";

const VERSION = 1;
const HEADER_BYTES = 6;
/** Bytes of a producer, and of one of its batches. */
const ENTRY_BYTES = 46;
const BATCH_BYTES = 24;
/** The older one is used only if the newest is damaged. */
const KEPT_SNAPSHOTS = 2;

/**
 * The bytes of a producer snapshot (Kafka's `.snapshot`, version 1): epoch, last batch and open transaction of each
 * producer. The batches before the last one follow Kafka's part, which ends by its own count: Kafka ignores them, and
 * without them only the retry of the last batch would be recognised after a restart.
 */
export function encodeProducers(entries: Iterable<ProducerEntry>): Buffer {
  const body = new ByteWriter();
  const known = [...entries];
  body.i32(known.length);
  for (const entry of known) {
    const last = entry.batches.at(-1);
    body.i64(entry.producerId);
    body.i16(entry.epoch);
    body.i32(last?.lastSequence ?? -1);
    body.i64(last?.lastOffset ?? -1);
    body.i32(last?.offsetDelta ?? 0);
    body.i64(entry.lastTimestampMs);
    body.i32(entry.coordinatorEpoch);
    body.i64(entry.transactionStart);
  }
  for (const { batches } of known) {
    body.i8(batches.length);
    for (const batch of batches) {
      body.i32(batch.lastSequence);
      body.i64(batch.lastOffset);
      body.i32(batch.offsetDelta);
      body.i64(batch.timestamp);
    }
  }
  const bytes = Buffer.concat(body.finish());
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt16BE(VERSION, 0);
  header.writeUInt32BE(crc32c(bytes), 2);
  return Buffer.concat([header, bytes]);
}

/** The inverse of `encodeProducers`, also for Kafka's own snapshots. @throws MalformedError when it is damaged. */
export function decodeProducers(snapshot: Buffer, nowMs: number): ProducerEntry[] {
  const reader = new ByteReader(snapshot);
  const version = reader.i16();
  const crc = reader.u32();
  if (version !== VERSION) throw new MalformedError(`A producer snapshot of version ${version}`);
  if (crc !== crc32c(snapshot.subarray(HEADER_BYTES)))
    throw new MalformedError("A producer snapshot with a wrong checksum");
  const entries: ProducerEntry[] = [];
  for (let left = reader.count(reader.i32(), ENTRY_BYTES); left > 0; left--) {
    const producerId = reader.i64();
    const epoch = reader.i16();
    const lastSequence = reader.i32();
    const lastOffset = reader.i64();
    const offsetDelta = reader.i32();
    const lastTimestampMs = reader.i64();
    const coordinatorEpoch = reader.i32();
    const transactionStart = reader.i64();
    const last = rememberedBatch(lastSequence, lastOffset, offsetDelta, lastTimestampMs);
    const batches = lastSequence < 0 ? [] : [last];
    entries.push({
      producerId,
      epoch,
      batches,
      coordinatorEpoch,
      transactionStart,
      lastTimestampMs,
      seenAtMs: nowMs,
    });
  }
  if (reader.remaining > 0) for (const entry of entries) entry.batches = readBatches(reader);
  return entries;
}

function readBatches(reader: ByteReader): RememberedBatch[] {
  const batches: RememberedBatch[] = [];
  for (let left = reader.count(reader.i8(), BATCH_BYTES); left > 0; left--) {
    batches.push(rememberedBatch(reader.i32(), reader.i64(), reader.i32(), reader.i64()));
  }
  return batches;
}

function rememberedBatch(lastSequence: number, lastOffset: number, offsetDelta: number, timestamp: number) {
  const first = lastSequence - offsetDelta;
  const firstSequence = first >= 0 ? first : sequenceAfter(2 ** 31 - 1, first + 1);
  return { firstSequence, lastSequence, lastOffset, offsetDelta, timestamp };
}

/**
 * Writes the state of the producers up to `offset`, and deletes outdated snapshots.
 *
 * @param neededFrom recovery may have to begin there: the newest snapshot that is not beyond it is kept.
 * @param isKept whether recovery may have to begin at a later one.
 */
export function writeProducerSnapshot(
  folder: string,
  disk: Disk,
  offset: number,
  producers: ProducerState,
  neededFrom: number,
  isKept: (offset: number) => boolean,
): void {
  writeFile(disk, snapshotPath(folder, offset), encodeProducers(producers.entries()));
  const offsets = snapshotOffsets(folder, disk);
  const needed = offsets.findLastIndex((each) => each <= neededFrom);
  for (const [at, old] of offsets.slice(0, -KEPT_SNAPSHOTS).entries()) {
    if (at !== needed && !isKept(old)) disk.remove(snapshotPath(folder, old));
  }
}

/**
 * The same, forced to disk, and without deleting outdated ones. For recovery.
 * @throws the disk's error; there is no snapshot at `offset` then, not even a part of one, which would be trusted.
 */
export function writeProducerSnapshotDurably(
  folder: string,
  disk: Disk,
  offset: number,
  producers: ProducerState,
): void {
  const path = snapshotPath(folder, offset);
  disk.remove(path);
  writeFileDurably(disk, `${path}.tmp`, encodeProducers(producers.entries()));
  disk.rename(`${path}.tmp`, path);
}

/**
 * Forces the snapshot at `offset` to disk, and those before it with which a recovery may have to begin.
 *
 * @param neededFrom the newest snapshot that is not beyond it is the first of these.
 * @returns whether there is one at `offset`.
 */
export async function forceProducerSnapshots(
  folder: string,
  disk: Disk,
  neededFrom: number,
  offset: number,
): Promise<boolean> {
  const offsets = snapshotOffsets(folder, disk).filter((each) => each <= offset);
  const needed = Math.max(
    0,
    offsets.findLastIndex((each) => each <= neededFrom),
  );
  for (const each of offsets.slice(needed)) await forceProducerSnapshot(folder, disk, each);
  return offsets.at(-1) === offset;
}

/** Forces one to disk, unless it was outdated and removed meanwhile. */
async function forceProducerSnapshot(folder: string, disk: Disk, offset: number): Promise<void> {
  const path = snapshotPath(folder, offset);
  if (disk.readFile(path) === undefined) return;
  const fd = disk.open(path, "read");
  try {
    await disk.syncLater(fd);
  } finally {
    disk.close(fd);
  }
}

/**
 * Fills `producers` from the newest usable snapshot that is not beyond `upToOffset`. Damaged snapshots are deleted, and
 * so are those beyond `logEndOffset`, which belong to batches that are lost.
 *
 * @param names of the files in the folder.
 * @returns the snapshot's offset, 0 if there is none: the batches from there on are missing in `producers`.
 */
export function loadProducerSnapshot(
  folder: string,
  names: ReadonlySet<string>,
  disk: Disk,
  upToOffset: number,
  logEndOffset: number,
  producers: ProducerState,
  nowMs: number,
): number {
  for (const offset of offsetsOf(names, "snapshot").reverse()) {
    if (offset > upToOffset && offset <= logEndOffset) continue;
    const entries = offset <= logEndOffset ? readSnapshot(folder, disk, offset, nowMs) : undefined;
    if (entries) {
      producers.restore(entries);
      return offset;
    }
    disk.remove(snapshotPath(folder, offset));
  }
  return 0;
}

function readSnapshot(folder: string, disk: Disk, offset: number, nowMs: number): ProducerEntry[] | undefined {
  try {
    const bytes = disk.readFile(snapshotPath(folder, offset));
    return bytes && decodeProducers(bytes, nowMs);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function snapshotPath(folder: string, offset: number): string {
  return segmentPath(folder, offset, "snapshot");
}

function snapshotOffsets(folder: string, disk: Disk): number[] {
  return offsetsOf(
    disk.list(folder).map(({ name }) => name),
    "snapshot",
  );
}
