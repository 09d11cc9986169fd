import type { SinkRecord } from "../../../src/api/index.js";
import type { Partitioner } from "./partitioner.js";

/** A directory of their own for records without a value (behavior.on.null.values=write); others are another partitioner's. */
export class TombstonePartitioner implements Partitioner {
  /** @param directory tombstone.encoded.partition. */
  constructor(
    private readonly inner: Partitioner,
    private readonly directory: string,
  ) {}

  timestampOf(record: SinkRecord, nowMs: number): number | null {
    return record.value === null ? record.timestampMs : this.inner.timestampOf(record, nowMs);
  }

  encode(record: SinkRecord, timestampMs: number | null): string {
    return record.value === null ? this.directory : this.inner.encode(record, timestampMs);
  }
}
