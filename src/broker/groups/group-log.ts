import type { Logger } from "../../base/logger.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";
import { CoordinatorLog, type CoordinatorRecords } from "../internal-topics/coordinator-log.js";
import type { PartitionLog } from "../log/partition-log.js";
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "./group-records.js";

export const OFFSETS_TOPIC = "__consumer_offsets";

const FORMAT: CoordinatorRecords<GroupRecord> = {
  topic: OFFSETS_TOPIC,
  ids: "groups",
  encode: encodeGroupRecord,
  decode: decodeGroupRecord,
};

/** A write: the offset of its first record, or the error code because of which nothing was written. */
export type Written = { readonly offset: number } | { readonly errorCode: number };

/** The records of groups, in the partitions of `__consumer_offsets`. */
export class GroupLog extends CoordinatorLog<GroupRecord> {
  constructor(
    logs: () => readonly PartitionLog[],
    private readonly reports: Logger,
  ) {
    super(FORMAT, logs, reports);
  }

  /** As `append`, with an error code in place of an error. */
  write(group: string, records: readonly GroupRecord[], nowMs: number, producer?: ProducerStamp): Written {
    try {
      return { offset: this.append(group, records, nowMs, producer) };
    } catch (cause) {
      return { errorCode: this.#faultOf(group, cause) };
    }
  }

  /** As `settled`, resolving to an error code. */
  settledCode(group: string): Promise<number> | undefined {
    return this.settled(group)?.then(
      () => ErrorCodes.NONE,
      (cause: unknown) => this.#faultOf(group, cause),
    );
  }

  #faultOf(group: string, cause: unknown): number {
    this.reports.error("Could not write to the offsets topic", { group }, cause);
    // A failed disk may recover; any other fault would recur. Rethrown, it would end the process from a timer, and
    // leave the other members of the group without answers.
    return cause instanceof KafkaError ? ErrorCodes.COORDINATOR_NOT_AVAILABLE : ErrorCodes.UNKNOWN_SERVER_ERROR;
  }
}
