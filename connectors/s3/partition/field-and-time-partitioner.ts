import type { SinkRecord } from "../../../src/api/index.js";
import type { Partitioner } from "./partitioner.js";

/** Our own: the directories of a FieldPartitioner, and below them those of a time-based one. */
export class FieldAndTimePartitioner implements Partitioner {
  constructor(
    private readonly field: Partitioner,
    private readonly time: Partitioner,
    private readonly delimiter: string,
  ) {}

  timestampOf(record: SinkRecord, nowMs: number): number | null {
    return this.time.timestampOf(record, nowMs);
  }

  encode(record: SinkRecord, timestampMs: number | null): string {
    return this.field.encode(record, null) + this.delimiter + this.time.encode(record, timestampMs);
  }
}
