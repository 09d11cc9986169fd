import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { MalformedError } from "./malformed-error.js";
import { defineMessage } from "./message.js";
import { array, bytes, type InputOf, i32, type OutputOf, str, structs } from "./message-fields.js";

const NEWEST = 3;

const topicPartitions = structs({ topic: str, partitions: array(i32) });

const subscriptionFields = {
  topics: array(str),
  userData: bytes.nullable().or(null),
  ownedPartitions: topicPartitions.from(1),
  generationId: i32.from(2).or(-1),
  rackId: str.nullable().from(3).or(null),
};
const assignmentFields = {
  assignedPartitions: topicPartitions,
  userData: bytes.nullable().or(null),
};

const subscriptions = defineMessage("ConsumerProtocolSubscription", [0, NEWEST], undefined, subscriptionFields);
const assignments = defineMessage("ConsumerProtocolAssignment", [0, NEWEST], undefined, assignmentFields);

/** A consumer's metadata for its group's leader. */
export type ConsumerSubscription = OutputOf<typeof subscriptionFields>;
/** The leader's assignment for one consumer. */
export type ConsumerAssignment = OutputOf<typeof assignmentFields>;

/** Writes a member's metadata, protocol type `consumer`, versions 0 to 3. */
export function encodeSubscription(version: number, subscription: InputOf<typeof subscriptionFields>): Buffer {
  const writer = new ByteWriter();
  writer.i16(version);
  subscriptions.write(version, writer, subscription);
  return Buffer.concat(writer.finish());
}

/** Reads metadata of any version; fields that newer versions append are ignored. @throws MalformedError */
export function decodeSubscription(metadata: Buffer): ConsumerSubscription & { readonly version: number } {
  const reader = new ByteReader(metadata);
  const version = readVersion(reader);
  return { version, ...subscriptions.read(Math.min(version, NEWEST), reader) };
}

/** Writes a member's assignment. @param version of a newer one the newest that is known is written. */
export function encodeAssignment(version: number, assignment: InputOf<typeof assignmentFields>): Buffer {
  const writer = new ByteWriter();
  const written = Math.min(version, NEWEST);
  writer.i16(written);
  assignments.write(written, writer, assignment);
  return Buffer.concat(writer.finish());
}

/** Reads an assignment of any version; empty bytes assign nothing. @throws MalformedError */
export function decodeAssignment(assignment: Buffer): ConsumerAssignment {
  if (assignment.length === 0) return { assignedPartitions: [], userData: null };
  const reader = new ByteReader(assignment);
  return assignments.read(Math.min(readVersion(reader), NEWEST), reader);
}

function readVersion(reader: ByteReader): number {
  const version = reader.i16();
  if (version < 0) throw new MalformedError(`A consumer protocol message of version ${version}`);
  return version;
}
