import type { Schema, SinkRecord, TopicPartition } from "../../../src/api/index.js";
import { type ExistingRows, NO_ROWS, type RowDigest, sameRows } from "../formats/row-digest.js";
import { rowsOf, type SetFormat, withNextRow } from "../object/file-set.js";
import type { OpenFile } from "../object/open-file.js";
import type { OpenFiles } from "../object/open-files.js";
import { type CommitProtocol, conflictOf, type FoundObject, storeOrAdopt } from "./commit-protocol.js";
import type { SchemaCompatibility } from "./schema-compatibility.js";

/** An object of an earlier run whose records are delivered again: they are compared with it instead of written. */
interface Replay {
  readonly key: string;
  readonly existing: RowDigest;
  readonly formats: SetFormat;
  readonly schema: Schema | null;
  seen: RowDigest;
}

/** A time-based directory is not written to again; asking twice costs one request. */
const MAX_CAUGHT_UP = 10_000;

/**
 * Where rotation depends on the clock (mode B, docs/decisions/sink-mode-b.md): an object's name holds the offset of its
 * first record, and every run begins at an offset before which everything is finished. So the first record of a
 * directory finds the object that an earlier run began with it, however many records that object holds. Those records
 * are read again and compared, and the next file begins behind them, where the search repeats until there is no object.
 * Until then no offset is committed: a run that began in the middle of an existing object would not find it. Against a
 * writer that is still alive the store decides (If-None-Match); the loser goes back to the last offset before which
 * everything is finished.
 */
export class ConditionalCreation implements CommitProtocol {
  /** Encoded partitions in which no object of an earlier run can follow any more. */
  readonly #caughtUp = new Set<string>();
  readonly #replays = new Map<string, Replay>();

  constructor(
    private readonly topicPartition: TopicPartition,
    private readonly files: OpenFiles,
    private readonly compatibility: SchemaCompatibility,
  ) {}

  mustLook(encodedPartition: string): boolean {
    return !this.#caughtUp.has(encodedPartition);
  }

  async look({ encodedPartition, key, first, schema, formats }: FoundObject, abandoned: AbortSignal): Promise<void> {
    const existing = await this.files.digestExisting(key, first.length, abandoned);
    if (!existing) {
      if (this.#caughtUp.size >= MAX_CAUGHT_UP) this.#caughtUp.clear();
      this.#caughtUp.add(encodedPartition);
      return;
    }
    // Known by its first row already: the records of a topic created again may never reach the old object's end.
    if (!beginsWith(existing, first)) throw conflictOf(key, this.topicPartition);
    this.#replays.set(encodedPartition, { key, existing, formats, schema, seen: NO_ROWS });
  }

  isReplayed(encodedPartition: string): boolean {
    return this.#replays.has(encodedPartition);
  }

  compare(encodedPartition: string, record: SinkRecord): void {
    const replay = this.#replays.get(encodedPartition)!;
    const { key, existing, formats, schema } = replay;
    // Its writer would have begun another object.
    if (this.compatibility.compare(schema, record.valueSchema) !== "same") throw conflictOf(key, this.topicPartition);
    const [row] = rowsOf(formats, this.compatibility.project(record, schema), replay.seen.length === 0);
    replay.seen = withNextRow(replay.seen, formats[0]!, row!);
    if (replay.seen.length < existing.length) return;
    if (!sameRows(replay.seen, existing)) throw conflictOf(key, this.topicPartition);
    this.#replays.delete(encodedPartition);
  }

  get isReplaying(): boolean {
    return this.#replays.size > 0;
  }

  async finish(file: OpenFile): Promise<boolean> {
    return (await storeOrAdopt(file)).isOurs;
  }

  forget(): void {
    this.#replays.clear();
    this.#caughtUp.clear();
  }
}

function beginsWith(existing: ExistingRows, first: RowDigest): boolean {
  return existing.length > 0 && sameRows(existing.beginning, first);
}
