import type { TakeBuffer } from "../../base/files/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { forceProducerSnapshots, writeProducerSnapshot } from "./producers/producer-snapshot.js";
import type { ProducerState } from "./producers/producer-state.js";
import { lastAtMost } from "./segments/index-lookup.js";
import type { SealedFiles } from "./segments/sealed-files.js";
import { Segment } from "./segments/segment.js";
import type { AbortedTransaction } from "./segments/transaction-index.js";

/** Read positions remembered, so that a reader that continues needs no index lookup. */
const REMEMBERED_PLACES = 8;
const NO_RECORDS = Buffer.alloc(0);

interface Place {
  readonly offset: number;
  readonly segment: Segment;
  readonly position: number;
}

export interface LogSegmentsOptions {
  readonly folder: string;
  readonly files: SealedFiles;
  readonly logger: Logger;
  /** The log's, up to the end of the active segment. */
  readonly producers: ProducerState;
  /** Whether the log is open: its folder may be another's when it is not. */
  readonly isOpen: () => boolean;
  /** At least one, in rising order; none for a log that is offline from the start. */
  readonly list: readonly Segment[];
}

/**
 * The segments of one log, oldest first: finds batches in them by offset and by time, and forces them to disk, with the
 * snapshots of the producers at their starts. Which segments there are is decided by the log, and by the cleaner.
 */
export class LogSegments {
  readonly #options: LogSegmentsOptions;
  readonly #list: Segment[];
  readonly #places: Place[] = [];
  /** New segments so far, and how many of them are on disk with the snapshots at their starts. */
  #added = 0;
  #forcedAdded = 0;
  /** Whether the name of the first segment is on disk. A log with records has begun in an earlier process. */
  #isNamed: boolean;
  /** All segments before this offset are sealed, and stay so after a power cut. */
  #sealedTo = 0;
  #recoveredFrom: number | undefined;
  /** The sealing under way. Never rejects. */
  #sealing: Promise<void> | undefined;

  constructor(options: LogSegmentsOptions) {
    this.#options = options;
    this.#list = [...options.list];
    this.#isNamed = this.sizeBytes > 0 && this.areSynced;
  }

  get list(): readonly Segment[] {
    return this.#list;
  }

  /** The one that is appended to. */
  get active(): Segment {
    return this.#list.at(-1)!;
  }

  get sizeBytes(): number {
    return this.#list.reduce((sum, { size }) => sum + size, 0);
  }

  /** The largest timestamp of the batches that end before `upToOffset`, -1 when there is none. */
  maxTimestampBefore(upToOffset: number): number {
    return this.#list.reduce((max, segment) => Math.max(max, segment.maxTimestampBefore(upToOffset)), -1);
  }

  /**
   * Makes a new segment the active one, with the producers at its start. The next `force` puts both on disk.
   *
   * The name of the log's first segment is on disk before that of the second, although nothing may be acknowledged yet. If
   * a power cut took the first and left the second, the log would seem to begin there: its producers would be known, and
   * the batches that they repeat would be acknowledged as duplicates of what is gone. Only a log that fills its first
   * segment before its first sync has ended waits for the disk here.
   */
  roll(indexIntervalBytes: number): void {
    const { folder, files } = this.#options;
    this.active.cutRest();
    if (!this.#isNamed) files.disk.syncFolder(folder);
    this.#isNamed = true;
    this.writeProducers();
    this.#list.push(Segment.open(folder, this.active.nextOffset, files, indexIntervalBytes));
    this.#added++;
  }

  /** Writes a snapshot of the producers at the log's end, and keeps those from which a recovery may have to begin. */
  writeProducers(): void {
    const { folder, files, producers } = this.#options;
    const { nextOffset } = this.active;
    const bases = new Set(this.#list.map(({ baseOffset }) => baseOffset));
    const isKept = (offset: number) => {
      return offset === this.#recoveredFrom || (offset >= this.#sealedTo && bases.has(offset));
    };
    writeProducerSnapshot(folder, files.disk, nextOffset, producers, this.#sealedTo, isKept);
  }

  /** Keeps the snapshot from which the log was recovered, until what is sealed is known to be on disk. */
  keepSnapshot(offset: number): void {
    this.#recoveredFrom = offset;
  }

  /** The folder's entries were forced to disk once all segments of the start were there. */
  noteNamed(): void {
    this.#isNamed = true;
  }

  /** Forces the folder's entries to disk: what was sealed before stays so. */
  async #forceFolder(): Promise<void> {
    const { folder, files } = this.#options;
    const sealedTo = this.#firstUnsealed.baseOffset;
    await files.disk.syncFolderLater(folder);
    this.#isNamed = true;
    this.#sealedTo = Math.max(this.#sealedTo, sealedTo);
    this.#recoveredFrom = undefined;
  }

  /** Where a recovery begins, if all that is sealed stays so. */
  get #firstUnsealed(): Segment {
    return this.#list.find(({ sealed }) => !sealed) ?? this.active;
  }

  /**
   * Writes the index of the active segment up to `durableOffset`, and the producers with it: otherwise it would take all
   * batches of the segment to find these again. Does nothing while there is little to describe.
   *
   * @param isIdle the log has not grown lately, so that this is the last for now.
   */
  writeIndexSnapshot(durableOffset: number, isIdle: boolean): void {
    const { active } = this;
    if ((isIdle || active.needsIndexSnapshot) && active.writeIndexSnapshot(durableOffset)) this.writeProducers();
  }

  /**
   * Forces the producers at the start of a segment to disk, before those up to it are deleted: they are then known from
   * nothing else. Of a sealed segment that was done before it was sealed. Resolves with false if there is no snapshot, as
   * after a start on a full disk.
   */
  async forceProducersAt(index: number): Promise<boolean> {
    const segment = this.#list[index]!;
    return segment.sealed || this.#forceProducers(segment);
  }

  /** Seals nothing before another segment is added: the snapshot at the start of the active one is not written. */
  deferSealing(): void {
    this.#added++;
  }

  /** Forces to disk what was appended before the call, oldest segment first, and seals those that are complete. */
  async force(): Promise<void> {
    if (this.#forcedAdded < this.#added) {
      const added = this.#added;
      const hasSnapshot = await this.#forceProducers(this.active);
      await this.#forceFolder();
      if (hasSnapshot) this.#forcedAdded = added;
    }
    for (const segment of this.#unsynced()) await segment.syncLater();
    if (this.#list.at(-2)?.sealed === false) await this.sealSynced("warn");
  }

  /** Whether all batches are on disk. Right after the start: whether recovery has checked none. */
  get areSynced(): boolean {
    return this.#list.every(({ isSynced }) => isSynced);
  }

  /** Forces to disk what recovery has written, and the folder's entries, and seals what is complete. */
  async forceRecovered(): Promise<void> {
    for (const segment of this.#list) if (!segment.isSynced) await segment.syncLater();
    // The last process may have created a segment without forcing its name to disk, unless records in it have counted. And
    // what is sealed must not outlive the snapshot behind it.
    const mustSeal = this.#list.slice(0, -1).some(({ sealed }) => !sealed);
    if (mustSeal || !this.active.isVouched) await this.#forceFolder();
    this.#isNamed ||= this.sizeBytes > 0;
    await this.sealSynced("warn");
  }

  /**
   * Seals the complete segments that are on disk, in the background. Only once the producers at the start of the active
   * one are on disk, too: the cleaner may then remove markers, which recovery would need if it had to begin before them.
   *
   * @param level of the message about a failure: a repeated one is not worth a warning each second.
   */
  async sealSynced(level: "warn" | "debug"): Promise<void> {
    while (this.#sealing) await this.#sealing;
    if (this.#forcedAdded < this.#added) return;
    const synced = this.#list.slice(0, -1).filter((segment) => !segment.sealed && segment.isSynced);
    if (synced.length === 0) return;
    this.#sealing = this.#seal(synced, level);
    await this.#sealing;
    this.#sealing = undefined;
  }

  async #seal(segments: readonly Segment[], level: "warn" | "debug"): Promise<void> {
    const { isOpen, logger } = this.#options;
    for (const segment of segments) {
      try {
        await segment.sealLater(isOpen);
      } catch (cause) {
        if (!isOpen()) return;
        const text =
          "The index files of a segment could not be written; unless a retry succeeds, the next start checks it";
        logger[level](text, { path: segment.path }, cause);
      }
    }
  }

  /**
   * Seals the complete segments, for a clean stop, if they may be; otherwise the next start checks them. Writes the index
   * of the active one, so that it need not be checked.
   */
  async sealAtStop(): Promise<void> {
    await this.#sealing;
    const complete = this.#forcedAdded === this.#added ? this.#list.slice(0, -1) : [];
    for (const segment of complete) await segment.sealLater(this.#options.isOpen);
    this.active.writeIndexSnapshot(this.active.nextOffset);
    // Those at the start of an empty one are on disk, perhaps the only ones left: a power cut could take what replaces them.
    if (this.active.size > 0) this.writeProducers();
  }

  /**
   * Deletes the oldest segment, and returns it: its files are left to remove.
   * @throws the file system's error; the segment then stays in the list, since on disk it would precede a gap.
   */
  retireOldest(): Segment {
    const oldest = this.#list[0]!;
    oldest.retire();
    this.#list.shift();
    this.#places.length = 0;
    return oldest;
  }

  /** Puts `fresh` in the place of neighbouring segments; undefined: nothing. */
  replace(replaced: readonly Segment[], fresh: Segment | undefined): void {
    const at = this.#list.indexOf(replaced[0]!);
    this.#list.splice(at, replaced.length, ...(fresh ? [fresh] : []));
    this.#places.length = 0;
  }

  close(): void {
    for (const segment of this.#list) segment.close();
  }

  /**
   * Reads whole batches that begin before `upToOffset`, from the one that holds `offset` on; at least one, if there is
   * one and `atLeastOne`, even if it is larger than `maxBytes`.
   *
   * @param take makes the buffer to read into.
   */
  read(offset: number, maxBytes: number, atLeastOne: boolean, upToOffset: number, take?: TakeBuffer): Buffer {
    const place = this.#placeOf(offset);
    if (!place) return NO_RECORDS;
    const { segment, position } = place;
    const { bytes, nextOffset } = segment.readBatches(position, maxBytes, atLeastOne, upToOffset, take);
    if (bytes.length === 0) return bytes;
    const at = this.#places.indexOf(place);
    if (at >= 0) this.#places.splice(at, 1);
    this.#remember({ ...place, offset: nextOffset, position: place.position + bytes.length });
    return bytes;
  }

  /**
   * The bytes of the batches between two offsets, as far as their first segment; infinite when there are more in later
   * ones. Known without reading them.
   */
  bytesFrom(offset: number, upToOffset: number): number {
    const place = this.#placeOf(offset);
    if (!place) return 0;
    this.#remember(place);
    const { segment, position } = place;
    if (segment !== this.active && upToOffset > segment.nextOffset) return Number.POSITIVE_INFINITY;
    const end = upToOffset < segment.nextOffset ? segment.positionOf(upToOffset) : undefined;
    return Math.max(0, (end ?? segment.size) - position);
  }

  /**
   * The first batch that ends at or after `fromOffset`, and may hold a record of at least `timestamp`; undefined when all
   * are older.
   */
  batchForTime(timestamp: number, fromOffset: number): Buffer | undefined {
    for (const segment of this.#list) {
      if (segment.maxTimestamp < timestamp || segment.nextOffset <= fromOffset) continue;
      const position = segment.positionOfTime(timestamp, fromOffset);
      if (position !== undefined) return segment.readBatches(position, 0, true).bytes;
    }
    return undefined;
  }

  /** The aborted transactions with records in `[fromOffset, upToOffset)`. */
  abortedTransactions(fromOffset: number, upToOffset: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (const { nextOffset, aborted } of this.#list) {
      if (nextOffset <= fromOffset) continue;
      const first = lastAtMost(aborted.length, fromOffset - 1, (at) => aborted[at]!.lastOffset) + 1;
      for (const each of aborted.slice(first)) {
        if (each.firstOffset < upToOffset) found.push(each);
        // All that ended later began at or behind that offset.
        if (each.lastStableOffset >= upToOffset) return found;
      }
    }
    return found;
  }

  /** Bytes of the batches between two offsets at which batches begin. */
  bytesBetween(fromOffset: number, toOffset: number): number {
    let bytes = 0;
    for (const segment of this.#list) {
      if (segment.nextOffset <= fromOffset || segment.baseOffset >= toOffset) continue;
      const end = segment.nextOffset <= toOffset ? segment.size : (segment.positionOf(toOffset) ?? segment.size);
      bytes += end - (segment.positionOf(fromOffset) ?? segment.size);
    }
    return bytes;
  }

  /**
   * Forces the producers at the start of a segment to disk, and those at the starts of the unsealed ones before it: when
   * some of these are sealed, a recovery begins at the others, and older snapshots are deleted.
   */
  #forceProducers({ baseOffset }: Segment): Promise<boolean> {
    const { folder, files } = this.#options;
    return forceProducerSnapshots(folder, files.disk, this.#firstUnsealed.baseOffset, baseOffset);
  }

  /** The segments that are not on disk as a whole, oldest first. */
  #unsynced(): Segment[] {
    const unsynced: Segment[] = [];
    for (let at = this.#list.length - 1; at >= 0 && !this.#list[at]!.sealed; at--) {
      if (!this.#list[at]!.isSynced) unsynced.unshift(this.#list[at]!);
    }
    return unsynced;
  }

  #placeOf(offset: number): Place | undefined {
    const known = this.#places.find((place) => place.offset === offset && place.position < place.segment.size);
    if (known) return known;
    let at = Math.max(
      0,
      lastAtMost(this.#list.length, offset, (i) => this.#list[i]!.baseOffset),
    );
    // Compaction may have emptied the end of a segment; the next batch is then in a later one.
    for (; at < this.#list.length; at++) {
      const segment = this.#list[at]!;
      const position = segment.positionOf(offset);
      if (position !== undefined) return { offset, segment, position };
    }
    return undefined;
  }

  #remember(place: Place): void {
    if (this.#places.includes(place)) return;
    this.#places.push(place);
    if (this.#places.length > REMEMBERED_PLACES) this.#places.shift();
  }
}
