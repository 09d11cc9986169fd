import { ByteReader } from "../../protocol/byte-reader.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import { defineMessage } from "../../protocol/message.js";
import { array, i8, i16, i32, i64, str, structs } from "../../protocol/message-fields.js";
import { type EncodedRecord, readVersioned, versioned } from "../internal-topics/versioned-record.js";
import {
  NONE,
  TRANSACTION_STATUSES,
  type TransactionPartitions,
  type TransactionState,
  type TransactionStatus,
} from "./transaction-state.js";

const KEY_VERSION = 0;
const VALUE_VERSION = 1;

const transactionKey = defineMessage("TransactionLogKey", [0, 0], undefined, { transactionalId: str });
const transactionValue = defineMessage("TransactionLogValue", [0, 1], 1, {
  producerId: i64,
  previousProducerId: i64.from(1).tagged(0).or(NONE),
  nextProducerId: i64.from(1).tagged(1).or(NONE),
  producerEpoch: i16,
  timeoutMs: i32,
  status: i8,
  partitions: structs({ topic: str, partitionIds: array(i32) }).nullable(),
  updateMs: i64,
  startMs: i64,
  version: i16.from(1).tagged(2),
});

/** One record of `__transaction_state`, in Kafka's own format; null: the id is forgotten. */
export interface TransactionRecord {
  readonly transactionalId: string;
  readonly state: TransactionState | null;
}

/** The record's key and value, each preceded by its version. */
export function encodeTransactionRecord({ transactionalId, state }: TransactionRecord): EncodedRecord {
  const key = versioned(KEY_VERSION, transactionKey, { transactionalId });
  if (!state) return { key, value: null };
  const value = versioned(VALUE_VERSION, transactionValue, {
    ...state,
    status: TRANSACTION_STATUSES.indexOf(state.status),
    // Kafka's reader requires null here, and an empty list in the other states without partitions.
    partitions:
      state.status === "Empty"
        ? null
        : [...state.partitions].map(([topic, partitions]) => ({ topic, partitionIds: [...partitions] })),
  });
  return { key, value };
}

/**
 * Decodes a record; undefined for versions that this broker does not know.
 * @throws MalformedError when the bytes are not a transaction record.
 */
export function decodeTransactionRecord(key: Buffer, value: Buffer | null): TransactionRecord | undefined {
  const reader = new ByteReader(key);
  const keyVersion = reader.i16();
  if (keyVersion !== KEY_VERSION) return undefined;
  const { transactionalId } = transactionKey.read(keyVersion, reader);
  if (!value) return { transactionalId, state: null };
  const fields = readVersioned(transactionValue, value);
  if (!fields) return undefined;
  const { partitions, version, status, ...rest } = fields;
  const state: TransactionState = {
    transactionalId,
    ...rest,
    lastEpoch: NONE,
    status: statusOf(status),
    partitions: partitionsOf(partitions ?? []),
    version: version >= 2 ? 2 : 1,
  };
  return { transactionalId, state };
}

function statusOf(id: number): TransactionStatus {
  const status = TRANSACTION_STATUSES[id];
  if (!status) throw new MalformedError(`A transaction of status ${id}`);
  return status;
}

function partitionsOf(listed: readonly { topic: string; partitionIds: readonly number[] }[]): TransactionPartitions {
  return new Map(listed.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]));
}
