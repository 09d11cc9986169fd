import { ByteReader } from "../byte-reader.js";
import { MalformedError } from "../malformed-error.js";
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  CONTROL_BIT,
  readControlType,
  TRANSACTIONAL_BIT,
  writeBatchHeader,
} from "./record-batch.js";
import { RecordCursor } from "./record-batch-reader.js";

/** How a transaction ended. */
type TransactionEnd = "COMMIT" | "ABORT";

/** Types of a control record, by their number (KIP-98, "Control Messages"). */
const ENDS: readonly TransactionEnd[] = ["ABORT", "COMMIT"];

/** The end of a producer's transaction in one partition. */
export interface TransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly kind: TransactionEnd;
  /** Epoch of the coordinator that decided on it. */
  readonly coordinatorEpoch: number;
}

/** One record of length 16: attributes, two deltas, a key of version and type, a value of version and epoch, no headers. */
const RECORD_BYTES = 17;
const KEY_AT = BATCH_HEADER_BYTES + 5;

/** The control batch of a marker (KIP-98), for the log to place. Called by the log that ends a transaction. */
export function encodeMarker(marker: TransactionMarker, timestampMs: number): Buffer {
  const { producerId, producerEpoch, kind, coordinatorEpoch } = marker;
  const batch = Buffer.alloc(BATCH_HEADER_BYTES + RECORD_BYTES);
  batch[BATCH_HEADER_BYTES] = (RECORD_BYTES - 1) * 2;
  batch[KEY_AT - 1] = 4 * 2;
  batch.writeInt16BE(ENDS.indexOf(kind), KEY_AT + 2);
  batch[KEY_AT + 4] = 6 * 2;
  batch.writeInt32BE(coordinatorEpoch, KEY_AT + 7);
  writeBatchHeader(batch, {
    sizeBytes: batch.length,
    attributes: TRANSACTIONAL_BIT | CONTROL_BIT,
    lastOffsetDelta: 0,
    baseTimestampMs: timestampMs,
    maxTimestampMs: timestampMs,
    producerId,
    producerEpoch,
    baseSequence: -1,
    recordCount: 1,
  });
  return batch;
}

/**
 * The inverse of `encodeMarker`; undefined for a control batch that ends no transaction: one without records, or of
 * another type.
 * @throws MalformedError
 */
export function readMarker(batch: Buffer): TransactionMarker | undefined {
  const cursor = new RecordCursor(batch);
  if (!cursor.next()) return undefined;
  if (cursor.key === null) throw new MalformedError("A control record without a key");
  const kind = ENDS[readControlType(new ByteReader(cursor.key))];
  if (kind === undefined) return undefined;
  const { producerId, producerEpoch }: BatchHeader = cursor.header;
  const { value } = cursor.record();
  if (value === null) throw new MalformedError("A transaction marker without a value");
  const reader = new ByteReader(value);
  reader.i16();
  return { producerId, producerEpoch, kind, coordinatorEpoch: reader.i32() };
}
