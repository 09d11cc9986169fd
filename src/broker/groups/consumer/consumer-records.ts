import { ByteReader } from "../../../protocol/byte-reader.js";
import { MalformedError } from "../../../protocol/malformed-error.js";
import { defineMessage, type Message } from "../../../protocol/message.js";
import {
  array,
  bytes,
  type Fields,
  i8,
  i32,
  i64,
  type OutputOf,
  str,
  struct,
  structs,
  uuid,
} from "../../../protocol/message-fields.js";
import { type EncodedRecord, readVersioned, versioned } from "../../internal-topics/versioned-record.js";
import {
  type AssignedPartitions,
  listed,
  type TopicPartitions,
  topicPartitions,
} from "./assignment/topic-partitions.js";
import type { CurrentAssignment, MemberDescription, MemberState } from "./consumer-member.js";

/** A regular expression of the group's members, and the topics that it matched. */
export interface ResolvedRegex {
  readonly topics: readonly string[];
  /** The version of the topics that it was matched with; it counts from each start of the broker. */
  readonly version: number;
  readonly timestamp: number;
}

/** One record of a consumer group (KIP-848); a null value is a tombstone. */
export type ConsumerRecord =
  | {
      readonly kind: "group-epoch";
      readonly group: string;
      /** The hash is of what the members' topics are like. */
      readonly value: { readonly epoch: number; readonly metadataHash: number } | null;
    }
  | {
      readonly kind: "member";
      readonly group: string;
      readonly memberId: string;
      readonly value: MemberDescription | null;
    }
  | { readonly kind: "target-epoch"; readonly group: string; readonly value: number | null }
  | {
      readonly kind: "target";
      readonly group: string;
      readonly memberId: string;
      readonly value: TopicPartitions | null;
    }
  | {
      readonly kind: "current";
      readonly group: string;
      readonly memberId: string;
      readonly value: CurrentAssignment | null;
    }
  | {
      readonly kind: "regex";
      readonly group: string;
      readonly regex: string;
      readonly value: ResolvedRegex | null;
    };

const KEYS = { "group-epoch": 3, member: 5, "target-epoch": 6, target: 7, current: 8, regex: 16 } as const;
const KINDS = new Map(Object.entries(KEYS).map(([kind, version]) => [version as number, kind as keyof typeof KEYS]));
const STATES: readonly MemberState[] = ["stable", "unrevoked", "unreleased"];

const groupKey = defineMessage("ConsumerGroupKey", [3, 6], undefined, { group: str });
const memberKey = defineMessage("ConsumerGroupMemberKey", [5, 8], undefined, { group: str, memberId: str });
const regexKey = defineMessage("ConsumerGroupRegularExpressionKey", [16, 16], undefined, { group: str, regex: str });

const groupValue = value("ConsumerGroupMetadataValue", { epoch: i32, metadataHash: i64.tagged(0) });
const memberValue = value("ConsumerGroupMemberMetadataValue", {
  instanceId: str.nullable(),
  rackId: str.nullable(),
  clientId: str,
  clientHost: str,
  subscribedTopicNames: array(str),
  subscribedTopicRegex: str.nullable(),
  rebalanceTimeoutMs: i32,
  serverAssignor: str.nullable(),
  classic: struct({ sessionTimeoutMs: i32, protocols: structs({ name: str, metadata: bytes }) })
    .nullable()
    .tagged(0),
});
const targetEpochValue = value("ConsumerGroupTargetAssignmentMetadataValue", { assignmentEpoch: i32 });
const targetValue = value("ConsumerGroupTargetAssignmentMemberValue", {
  topicPartitions: structs({ topicId: uuid, partitions: array(i32) }),
});
const partitionsWithEpochs = structs({
  topicId: uuid,
  partitions: array(i32),
  assignmentEpochs: array(i32).nullable().tagged(0).or(null),
});
const currentValue = value("ConsumerGroupCurrentMemberAssignmentValue", {
  memberEpoch: i32,
  previousMemberEpoch: i32,
  state: i8,
  assignedPartitions: partitionsWithEpochs,
  partitionsPendingRevocation: partitionsWithEpochs,
});
const regexValue = value("ConsumerGroupRegularExpressionValue", { topics: array(str), version: i64, timestamp: i64 });

/** Every value has one version, which is flexible. */
function value<const F extends Fields>(name: string, fields: F): Message<F> {
  return defineMessage(name, [0, 0], 0, fields);
}

/** Key and value in Kafka's format. */
export function encodeConsumerRecord(record: ConsumerRecord): EncodedRecord {
  return { key: encodeKey(record), value: encodeValue(record) };
}

function encodeKey(record: ConsumerRecord): Buffer {
  const version = KEYS[record.kind];
  if ("memberId" in record) return versioned(version, memberKey, record);
  return "regex" in record ? versioned(version, regexKey, record) : versioned(version, groupKey, record);
}

function encodeValue(record: ConsumerRecord): Buffer | null {
  if (record.value === null) return null;
  switch (record.kind) {
    case "group-epoch":
      return versioned(0, groupValue, record.value);
    case "member":
      return versioned(0, memberValue, record.value);
    case "target-epoch":
      return versioned(0, targetEpochValue, { assignmentEpoch: record.value });
    case "target":
      return versioned(0, targetValue, { topicPartitions: listed(record.value) });
    case "current": {
      const { memberEpoch, previousMemberEpoch, state, assigned, pendingRevocation } = record.value;
      return versioned(0, currentValue, {
        memberEpoch,
        previousMemberEpoch,
        state: STATES.indexOf(state),
        assignedPartitions: listedWithEpochs(assigned),
        partitionsPendingRevocation: listedWithEpochs(pendingRevocation),
      });
    }
    case "regex":
      return versioned(0, regexValue, record.value);
  }
}

/**
 * Decodes a record of a consumer group; undefined: it is not one, or of a version that the broker does not write.
 * @throws MalformedError
 */
export function decodeConsumerRecord(key: Buffer, stored: Buffer | null): ConsumerRecord | undefined {
  const reader = new ByteReader(key);
  const version = reader.i16();
  const kind = KINDS.get(version);
  if (kind === undefined) return undefined;
  switch (kind) {
    case "group-epoch":
    case "target-epoch": {
      const { group } = groupKey.read(version, reader);
      if (stored === null) return { kind, group, value: null };
      if (kind === "group-epoch")
        return withValue(readVersioned(groupValue, stored), (value) => ({ kind, group, value }));
      return withValue(readVersioned(targetEpochValue, stored), ({ assignmentEpoch }) => {
        return { kind, group, value: assignmentEpoch };
      });
    }
    case "regex": {
      const named = regexKey.read(version, reader);
      if (stored === null) return { kind, ...named, value: null };
      return withValue(readVersioned(regexValue, stored), (value) => ({ kind, ...named, value }));
    }
    default: {
      const named = memberKey.read(version, reader);
      return stored === null ? { kind, ...named, value: null } : memberRecord(kind, named, stored);
    }
  }
}

function memberRecord(
  kind: "member" | "target" | "current",
  named: { readonly group: string; readonly memberId: string },
  stored: Buffer,
): ConsumerRecord | undefined {
  switch (kind) {
    case "member":
      return withValue(readVersioned(memberValue, stored), ({ classic, ...value }) => {
        // Kafka writes null; a record without the field is of a broker that knew nothing of classic members.
        return { kind, ...named, value: { ...value, classic: classic?.protocols.length ? classic : null } };
      });
    case "target":
      return withValue(readVersioned(targetValue, stored), (value) => {
        return { kind, ...named, value: topicPartitions(value.topicPartitions) };
      });
    case "current":
      return withValue(readVersioned(currentValue, stored), (value) => ({ kind, ...named, value: currentOf(value) }));
  }
}

function withValue<T>(value: T | undefined, record: (value: T) => ConsumerRecord): ConsumerRecord | undefined {
  return value === undefined ? undefined : record(value);
}

type FieldsOf<M> = M extends Message<infer F> ? F : never;

function currentOf(stored: OutputOf<FieldsOf<typeof currentValue>>): CurrentAssignment {
  const { memberEpoch, previousMemberEpoch } = stored;
  const state = STATES[stored.state];
  if (state === undefined) throw new MalformedError(`A member of a consumer group in state ${stored.state}`);
  return {
    memberEpoch,
    previousMemberEpoch,
    state,
    assigned: withEpochs(stored.assignedPartitions, memberEpoch),
    pendingRevocation: withEpochs(stored.partitionsPendingRevocation, memberEpoch),
  };
}

type StoredPartitions = OutputOf<FieldsOf<typeof currentValue>>["assignedPartitions"];

function listedWithEpochs(assigned: AssignedPartitions): StoredPartitions {
  return [...assigned].map(([topicId, partitions]) => {
    return { topicId, partitions: [...partitions.keys()], assignmentEpochs: [...partitions.values()] };
  });
}

/** @param memberEpoch the epoch of those that have none of their own. */
function withEpochs(stored: StoredPartitions, memberEpoch: number): AssignedPartitions {
  return new Map(
    stored.map(({ topicId, partitions, assignmentEpochs }) => {
      return [topicId, new Map(partitions.map((partition, at) => [partition, assignmentEpochs?.[at] ?? memberEpoch]))];
    }),
  );
}
