import type { Schema, SinkRecord } from "../../../src/api/index.js";
import type { ObjectFormat } from "../formats/format.js";
import { NO_ROWS, type RowDigest, withRow } from "../formats/row-digest.js";
import type { OpenFile } from "./open-file.js";

/** How the records of a file set become rows: one for each of its objects. */
export type SetFormat = readonly ObjectFormat[];

/** A record's rows, one for each object, valid until the next record's. @throws DataError if it has none. */
export function rowsOf(formats: SetFormat, record: SinkRecord, isFirst: boolean): readonly Buffer[] {
  return formats.map((format) => format.row(record, isFirst));
}

/** The digest of an object after one more row. */
export function withNextRow(digest: RowDigest, format: ObjectFormat, row: Buffer): RowDigest {
  return withRow(withRow(digest, row), format.terminator);
}

/** The digest of an object's first row. */
export function digestOfFirst(formats: SetFormat, rows: readonly Buffer[]): RowDigest {
  return withNextRow(NO_ROWS, formats[0]!, rows[0]!);
}

/** The open files that one directory's records go to together: the values, and their keys and headers if these are stored. */
export class FileSet {
  constructor(
    readonly encodedPartition: string,
    /** Of the first record's value. */
    readonly schema: Schema | null,
    /** Of its key, if keys are stored. */
    readonly keySchema: Schema | null | undefined,
    readonly formats: SetFormat,
    /** One for each format. */
    readonly files: readonly OpenFile[],
  ) {}

  /** Bytes of rows of the largest file, before compression. */
  get rowBytes(): number {
    return this.files.reduce((most, { rowBytes }) => Math.max(most, rowBytes), 0);
  }

  /** Whether the rows of a file fill a part. */
  get hasFullPart(): boolean {
    return this.files.some((file) => file.hasFullPart);
  }

  write(rows: readonly Buffer[], offset: number): void {
    for (const [at, file] of this.files.entries()) file.write(rows[at]!, offset);
  }

  /** Returns "lost" when parts are gone: the rows must be written again. @throws RetriableError: call it again. */
  async uploadFullParts(): Promise<"lost" | undefined> {
    for (const file of this.files) if (file.hasFullPart && (await file.uploadFullParts()) === "lost") return "lost";
    return undefined;
  }
}
