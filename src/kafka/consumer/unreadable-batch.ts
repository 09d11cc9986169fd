import { CODECS } from "../../protocol/compression/compression.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { type BatchHeader, codecOf, nextOffsetOf } from "../../protocol/records/record-batch.js";

/**
 * The error that `poll` throws for an unreadable batch: its offset, its codec, and the remedy.
 * @param name the partition: `orders-3`.
 * @param cause a KafkaError when this process lacks the codec; any other error when the batch is damaged.
 * @returns UNSUPPORTED_COMPRESSION_TYPE or CORRUPT_MESSAGE.
 */
export function unreadableBatch(name: string, header: BatchHeader, cause: Error): KafkaError {
  const context = `Reading ${name} at offset ${header.baseOffset}`;
  const codec = CODECS[codecOf(header)] ?? `number ${codecOf(header)}`;
  if (cause instanceof KafkaError) {
    const detail = `the record batch is in codec ${codec}. ${cause.reason}`;
    return new KafkaError(cause.code, context, { detail, cause });
  }
  const next = nextOffsetOf(header);
  const detail = `the record batch, in codec ${codec}, cannot be read: ${cause.message}. To continue without its records, set the consumer group's offset to ${next}`;
  return new KafkaError("CORRUPT_MESSAGE", context, { detail, cause });
}
