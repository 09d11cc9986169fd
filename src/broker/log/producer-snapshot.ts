import { join } from "node:path";
import type { Disk } from "../../base/files/disk.js";
import { writeFile } from "../../base/files/durable-files.js";
import { ByteReader } from "../../protocol/byte-reader.js";
import { ByteWriter } from "../../protocol/byte-writer.js";
import { crc32c } from "../../protocol/crc32c.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import { type BatchHeader, isControlBatch } from "../../protocol/records/record-batch.js";
import { sequenceAfter } from "../../protocol/records/sequence.js";
import { lastOffset } from "./batch-walk.js";
import type { ProducerEntry, ProducerState } from "./producer-state.js";
import { segmentName } from "./segment.js";

const VERSION = 1;
const HEADER_BYTES = 6;
/** The older one is used only if the newest is damaged. */
const KEPT_SNAPSHOTS = 2;

/** The bytes of a producer snapshot (Kafka's `.snapshot`, version 1): epoch and last batch of each producer. */
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
    body.i64(last?.timestamp ?? -1);
    body.i32(-1); // coordinator epoch: no transactions
    body.i64(-1); // first offset of an open transaction
  }
  const bytes = Buffer.concat(body.finish());
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt16BE(VERSION, 0);
  header.writeUInt32BE(crc32c(bytes), 2);
  return Buffer.concat([header, bytes]);
}

/** The inverse of `encodeProducers`. @throws MalformedError when the snapshot is damaged. */
export function decodeProducers(snapshot: Buffer, nowMs: number): ProducerEntry[] {
  const header = new ByteReader(snapshot);
  const version = header.i16();
  const crc = header.u32();
  if (version !== VERSION) throw new MalformedError(`A producer snapshot of version ${version}`);
  if (crc !== crc32c(snapshot.subarray(HEADER_BYTES)))
    throw new MalformedError("A producer snapshot with a wrong checksum");
  const entries: ProducerEntry[] = [];
  for (let left = header.count(header.i32(), 46); left > 0; left--) {
    const producerId = header.i64();
    const epoch = header.i16();
    const lastSequence = header.i32();
    const lastOffsetOfBatch = header.i64();
    const offsetDelta = header.i32();
    const timestamp = header.i64();
    header.i32();
    header.i64();
    const first = lastSequence - offsetDelta;
    const firstSequence = first >= 0 ? first : sequenceAfter(2 ** 31 - 1, first + 1);
    const last = { firstSequence, lastSequence, lastOffset: lastOffsetOfBatch, offsetDelta, timestamp };
    entries.push({ producerId, epoch, batches: lastSequence < 0 ? [] : [last], seenAtMs: nowMs });
  }
  return entries;
}

/** Writes the state of the producers up to `offset`, and deletes outdated snapshots. */
export function writeProducerSnapshot(folder: string, disk: Disk, offset: number, producers: ProducerState): void {
  writeFile(disk, snapshotPath(folder, offset), encodeProducers(producers.entries()));
  for (const old of snapshotOffsets(folder, disk).slice(0, -KEPT_SNAPSHOTS)) disk.remove(snapshotPath(folder, old));
}

/**
 * Fills `producers` from the newest usable snapshot and the headers of the batches after it, so that a retry is
 * recognised across a restart. Damaged snapshots, and those beyond the end of the log, are deleted.
 *
 * @param headers visits the batch headers from an offset on.
 */
export function loadProducers(
  folder: string,
  disk: Disk,
  logEndOffset: number,
  producers: ProducerState,
  headers: (fromOffset: number, visit: (header: BatchHeader) => boolean) => void,
  nowMs: number,
): void {
  let from = 0;
  for (const offset of snapshotOffsets(folder, disk).reverse()) {
    const entries = offset <= logEndOffset ? readSnapshot(folder, disk, offset, nowMs) : undefined;
    if (entries) {
      producers.restore(entries);
      from = offset;
      break;
    }
    disk.remove(snapshotPath(folder, offset));
  }
  headers(from, (header) => {
    if (lastOffset(header) < from) return false;
    if (isControlBatch(header)) producers.noteMarker(header, nowMs);
    else producers.note(header, header.baseOffset, nowMs);
    return false;
  });
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
  return join(folder, `${segmentName(offset)}.snapshot`);
}

function snapshotOffsets(folder: string, disk: Disk): number[] {
  return disk
    .list(folder)
    .map(({ name }) => name)
    .filter((name) => /^\d{20}\.snapshot$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b);
}
