import { ByteReader } from "../../protocol/byte-reader.js";
import { defineMessage, type Message } from "../../protocol/message.js";
import { bytes, type InputOf, i32, i64, type OutputOf, str, structs } from "../../protocol/message-fields.js";
import { type EncodedRecord, readVersioned, versioned } from "../internal-topics/versioned-record.js";
import type { GroupSnapshot } from "./classic/classic-group.js";
import { NO_BYTES } from "./classic/group-member.js";
import { type ConsumerRecord, decodeConsumerRecord, encodeConsumerRecord } from "./consumer/consumer-records.js";

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const VALUE_VERSION = 3;

const offsetKey = defineMessage("OffsetCommitKey", [0, 1], undefined, { group: str, topic: str, partition: i32 });
const groupKey = defineMessage("GroupMetadataKey", [2, 2], undefined, { group: str });
const offsetValue = defineMessage("OffsetCommitValue", [0, 3], undefined, {
  offset: i64,
  leaderEpoch: i32.from(3).or(-1),
  metadata: str,
  commitTimestamp: i64,
  expireTimestamp: i64.within(1, 1).or(-1),
});
const groupValue = defineMessage("GroupMetadataValue", [3, 3], undefined, {
  protocolType: str,
  generation: i32,
  protocol: str.nullable(),
  leader: str.nullable(),
  currentStateTimestamp: i64,
  members: structs({
    memberId: str,
    groupInstanceId: str.nullable(),
    clientId: str,
    clientHost: str,
    rebalanceTimeout: i32,
    sessionTimeout: i32,
    subscription: bytes,
    assignment: bytes,
  }),
});

/** A committed offset. Times are wall-clock milliseconds. */
export interface CommittedOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: number;
  /** The expiry that the client requested (retentionTimeMs of old versions); -1: the broker's rule applies. */
  readonly expireTimestamp: number;
}

/** A group, as stored in its record. */
export interface StoredGroup extends Omit<GroupSnapshot, "state"> {
  /** When it entered the stored state. */
  readonly stateTimestamp: number;
}

/** One record of `__consumer_offsets`, in Kafka's own format; a null value is a tombstone. */
export type GroupRecord =
  | {
      readonly kind: "offset";
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly value: CommittedOffset | null;
    }
  | { readonly kind: "group"; readonly group: string; readonly value: StoredGroup | null }
  | ConsumerRecord;

/** The record's key and value, each preceded by its version. */
export function encodeGroupRecord(record: GroupRecord): EncodedRecord {
  if (record.kind === "offset") {
    const { group, topic, partition, value } = record;
    const key = versioned(OFFSET_KEY_VERSION, offsetKey, { group, topic, partition });
    if (!value) return { key, value: null };
    const version = value.expireTimestamp >= 0 ? 1 : VALUE_VERSION;
    return { key, value: versioned(version, offsetValue, value) };
  }
  if (record.kind !== "group") return encodeConsumerRecord(record);
  const { group, value } = record;
  const key = versioned(GROUP_KEY_VERSION, groupKey, { group });
  return { key, value: value && versioned(VALUE_VERSION, groupValue, groupFields(value)) };
}

function groupFields(stored: StoredGroup): InputOf<GroupFields> {
  const { protocolName } = stored;
  return {
    protocolType: stored.protocolType,
    generation: stored.generationId,
    protocol: protocolName,
    leader: stored.leader,
    currentStateTimestamp: stored.stateTimestamp,
    members: stored.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_BYTES,
      assignment: member.assignment,
    })),
  };
}

type FieldsOf<M> = M extends Message<infer F> ? F : never;
type GroupFields = FieldsOf<typeof groupValue>;

/**
 * Decodes a record; undefined for kinds that this broker does not write (share and streams groups, newer versions).
 * @throws MalformedError when the bytes are not a group record.
 */
export function decodeGroupRecord(key: Buffer, value: Buffer | null): GroupRecord | undefined {
  const reader = new ByteReader(key);
  const keyVersion = reader.i16();
  if (keyVersion === 0 || keyVersion === OFFSET_KEY_VERSION) {
    const { group, topic, partition } = offsetKey.read(keyVersion, reader);
    if (!value) return { kind: "offset", group, topic, partition, value: null };
    const fields = readVersioned(offsetValue, value);
    return fields && { kind: "offset", group, topic, partition, value: fields };
  }
  if (keyVersion !== GROUP_KEY_VERSION) return decodeConsumerRecord(key, value);
  const { group } = groupKey.read(keyVersion, reader);
  if (!value) return { kind: "group", group, value: null };
  const fields = readVersioned(groupValue, value);
  return fields && { kind: "group", group, value: storedGroup(fields) };
}

function storedGroup(fields: OutputOf<GroupFields>): StoredGroup {
  return {
    protocolType: fields.protocolType,
    generationId: fields.generation,
    protocolName: fields.protocol,
    leader: fields.leader,
    stateTimestamp: fields.currentStateTimestamp,
    members: fields.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      protocols: [{ name: fields.protocol ?? "", metadata: member.subscription }],
      assignment: member.assignment,
      deadlineMs: 0,
      isNew: false,
      parkedJoin: undefined,
      parkedSync: undefined,
    })),
  };
}
