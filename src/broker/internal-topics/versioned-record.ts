import { ByteReader } from "../../protocol/byte-reader.js";
import { ByteWriter } from "../../protocol/byte-writer.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import type { Message } from "../../protocol/message.js";
import type { Fields, InputOf, OutputOf } from "../../protocol/message-fields.js";

/** Key and value of a record of an internal topic; a null value is a tombstone. */
export interface EncodedRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** A key or value of an internal topic: its version, and the message in that version. */
export function versioned<F extends Fields>(version: number, message: Message<F>, value: InputOf<F>): Buffer {
  const writer = new ByteWriter(64);
  writer.i16(version);
  message.write(version, writer, value);
  return Buffer.concat(writer.finish());
}

/**
 * Reads what `versioned` wrote; undefined for versions that the message does not have.
 * @throws MalformedError when the bytes are not such a message.
 */
export function readVersioned<F extends Fields>(message: Message<F>, value: Buffer): OutputOf<F> | undefined {
  const reader = new ByteReader(value);
  const version = reader.i16();
  if (version < 0) throw new MalformedError(`A record of version ${version}`);
  const [first, last] = message.versions;
  return version < first || version > last ? undefined : message.read(version, reader);
}
