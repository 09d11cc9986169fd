import { ConflictError, type Schema, type SinkRecord, type TopicPartition } from "../../../src/api/index.js";
import type { RowDigest } from "../formats/row-digest.js";
import type { SetFormat } from "../object/file-set.js";
import type { OpenFile } from "../object/open-file.js";

/** An object of an earlier run, found by the first record of a directory. */
export interface FoundObject {
  readonly encodedPartition: string;
  readonly key: string;
  /** Of the record, its schema, and how it became rows. */
  readonly first: RowDigest;
  readonly schema: Schema | null;
  readonly formats: SetFormat;
}

/**
 * How the objects of one topic partition become final, and what becomes of those that exist already. The partition's
 * writer asks for each record of a directory that has no open file, and for each file that it has finished.
 */
export interface CommitProtocol {
  /** Whether `look` must come before the directory's next file. */
  mustLook(encodedPartition: string): boolean;
  /**
   * Looks for the object that an earlier run began with this record.
   *
   * @param abandoned ends the request.
   * @throws ConflictError when the object holds other records; otherwise as StoreCalls.run.
   */
  look(found: FoundObject, abandoned: AbortSignal): Promise<void>;
  /** Whether the directory's records are those of an existing object, for `compare`, not to be written. */
  isReplayed(encodedPartition: string): boolean;
  /**
   * Compares the directory's next record with the existing object.
   *
   * @throws ConflictError when the object holds other records; DataError when the record is no row.
   */
  compare(encodedPartition: string, record: SinkRecord): void;
  /** Whether an existing object is compared only in part. */
  readonly isReplaying: boolean;
  /**
   * Stores a finished file's object. False: the object is another writer's, and the records must be read again. Called
   * again after a RetriableError.
   *
   * @throws ConflictError when the object holds other records; otherwise as StoreCalls.run.
   */
  finish(file: OpenFile): Promise<boolean>;
  /** The partition is read again from its last finished offset, or from new records. */
  forget(): void;
}

/** Whether the object is stored and holds the file's rows; otherwise what happened to it. */
export async function storeOrAdopt(file: OpenFile) {
  const outcome = await file.finish();
  if (outcome === "created") return { isOurs: true } as const;
  // The answer to our own request may have been lost after the store applied it.
  const existing = await file.digestExisting(file.rows.length);
  if (!existing || !(await file.adoptIfSame(existing))) return { isOurs: false, outcome, existing } as const;
  return { isOurs: true } as const;
}

/** @param remedy another way out, as a sentence. */
export function conflictOf(key: string, { topic, partition }: TopicPartition, remedy = ""): ConflictError {
  return new ConflictError(
    "S3_OBJECT_CONFLICT",
    `Object ${key} exists already and holds other records than ${topic}-${partition} from that offset on, so it is neither overwritten nor continued. If it is left from another connector or from an earlier topic of that name, move or delete it, or choose another topics.dir; then restart the task.${remedy}`,
  );
}
