import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { MalformedError } from "./malformed-error.js";
import { defineMessage } from "./message.js";
import { array, bytes, type InputOf, i16, i32, i64, type OutputOf, str, structs } from "./message-fields.js";

/**
 * Connect's group protocols by name, with the version in their bytes. `sessioned` is like `compatible`, but the workers
 * sign their requests to each other.
 */
export const CONNECT_PROTOCOLS = { default: 0, compatible: 1, sessioned: 2 } as const;
/** Stands for the connector itself in a list of tasks. */
export const CONNECTOR_TASK = -1;

const NEWEST = CONNECT_PROTOCOLS.sessioned;

const work = structs({ connector: str, tasks: array(i32) });

const metadataFields = {
  url: str,
  configOffset: i64,
  allocation: bytes.nullable().from(1).or(null),
};
const assignmentFields = {
  error: i16,
  leader: str,
  leaderUrl: str,
  configOffset: i64,
  assigned: work.nullable(1),
  revoked: work.nullable(1).from(1).or(null),
  delayMs: i32.from(1),
};

const allocations = defineMessage("ConnectAllocation", [0, 0], undefined, { allocation: bytes.nullable() });
const heads = defineMessage("ConnectAssignment head", [0, 0], undefined, {
  error: i16,
  leader: str,
  leaderUrl: str,
  configOffset: i64,
});
const workLists = defineMessage("ConnectAssignment work", [0, 0], undefined, { work: work.nullable() });
const metadatas = defineMessage("ConnectMetadata", [0, NEWEST], undefined, metadataFields);
const assignments = defineMessage("ConnectAssignment", [0, NEWEST], undefined, assignmentFields);

/**
 * A worker's metadata for the leader: its URL, how far it has read the config topic, and (from v1) the connectors and
 * tasks it runs, as an encoded assignment.
 */
export type ConnectMetadata = OutputOf<typeof metadataFields>;
/**
 * The leader's assignment for one worker. `error` 1: the configs differ, rejoin. `delayMs`: the time after which to
 * rejoin, for the work that is held back.
 */
export type ConnectAssignment = OutputOf<typeof assignmentFields>;

/** Writes a worker's metadata (KIP-415, KIP-507). */
export function encodeConnectMetadata(version: number, metadata: InputOf<typeof metadataFields>): Buffer {
  const writer = new ByteWriter();
  writer.i16(version);
  metadatas.write(version, writer, metadata);
  return Buffer.concat(writer.finish());
}

/** Reads metadata of any version; a trailing field may be missing. @throws MalformedError */
export function decodeConnectMetadata(metadata: Buffer): ConnectMetadata & { readonly version: number } {
  const reader = new ByteReader(metadata);
  const version = readVersion(reader);
  const { url, configOffset } = metadatas.read(0, reader);
  const hasAllocation = version >= 1 && reader.remaining > 0;
  return { version, url, configOffset, allocation: hasAllocation ? allocations.read(0, reader).allocation : null };
}

/** Writes an assignment. `assigned` and `revoked` may be null from version 1 on. */
export function encodeConnectAssignment(version: number, assignment: InputOf<typeof assignmentFields>): Buffer {
  const writer = new ByteWriter();
  writer.i16(version);
  assignments.write(version, writer, assignment);
  return Buffer.concat(writer.finish());
}

/** Reads an assignment of any version; trailing fields may be missing. @throws MalformedError */
export function decodeConnectAssignment(assignment: Buffer): ConnectAssignment & { readonly version: number } {
  const reader = new ByteReader(assignment);
  const version = readVersion(reader);
  // A version 1 work list is a version 0 list that may be null, so the common part reads the same in all versions.
  const { error, leader, leaderUrl, configOffset } = heads.read(0, reader);
  const { work: assigned } = workLists.read(0, reader);
  const revoked = version >= 1 && reader.remaining > 0 ? workLists.read(0, reader).work : null;
  const delayMs = version >= 1 && reader.remaining > 0 ? reader.i32() : 0;
  return { version, error, leader, leaderUrl, configOffset, assigned, revoked, delayMs };
}

function readVersion(reader: ByteReader): number {
  const version = reader.i16();
  if (version < 0) throw new MalformedError(`A connect protocol message of version ${version}`);
  return version;
}
