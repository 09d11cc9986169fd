import type { GroupListing, KafkaAdmin } from "../kafka/client/kafka-admin.js";
import type { CommittedOffset } from "../kafka/client/topic-partition.js";
import { type Finding, incomplete, isOutage, note, reasonOf } from "./finding.js";
import type { PartitionCopy } from "./partition-copy.js";
import { partitionName } from "./partition-name.js";

/** A group of the source with its offsets, as they were before the copy. */
export interface GroupOffsets {
  readonly groupId: string;
  readonly offsets: readonly CommittedOffset[];
}

/** Reads the offsets of all groups that have some. */
export async function readGroups(
  admin: KafkaAdmin,
  signal: AbortSignal,
): Promise<{ readonly groups: GroupOffsets[]; readonly findings: Finding[] }> {
  const groups: GroupOffsets[] = [];
  const findings: Finding[] = [];
  for (const group of await admin.listGroups(signal)) {
    const { groupId } = group;
    if (isActive(group)) findings.push(activeFinding(group));
    try {
      const offsets = await admin.listGroupOffsets(groupId, signal);
      if (offsets.length > 0) groups.push({ groupId, offsets });
    } catch (error) {
      if (signal.aborted || isOutage(error)) throw error;
      const remedy = "set its offsets at the target with kafka-consumer-groups.sh --reset-offsets";
      findings.push(incomplete(`group ${groupId}`, `its offsets cannot be read: ${reasonOf(error)}`, remedy));
    }
  }
  return { groups, findings };
}

function isActive({ state }: GroupListing): boolean {
  return state !== "" && state !== "Empty" && state !== "Dead";
}

function activeFinding({ groupId, state }: GroupListing): Finding {
  const text = `it has members (${state}): what they commit from now on is not carried`;
  return note(`group ${groupId}`, text, "stop them before the export, and start them on the target");
}

/** Offsets for the target, and what is not as at the source. */
export interface GroupPlan {
  readonly offsets: readonly CommittedOffset[];
  readonly findings: readonly Finding[];
}

/**
 * Translates a group's offsets. Those of partitions that were not copied are left out.
 *
 * @param copies the finished copies by partition (`orders-3`).
 * @param now the group's offsets at the source after the copy.
 */
export function planGroupOffsets(
  { groupId, offsets }: GroupOffsets,
  now: readonly CommittedOffset[],
  copies: ReadonlyMap<string, PartitionCopy>,
): GroupPlan {
  const carried: CommittedOffset[] = [];
  const beyond: string[] = [];
  for (const { topic, partition, offset, metadata } of offsets) {
    const copy = copies.get(partitionName({ topic, partition }));
    const translated = copy?.translation.translate(offset);
    if (!copy || translated === undefined) continue;
    carried.push({ topic, partition, offset: translated, metadata: metadata ?? null });
    if (offset > copy.range.end)
      beyond.push(`${partitionName(copy.range)} (${offset}, copied before ${copy.range.end})`);
  }
  const subject = `group ${groupId}`;
  const findings: Finding[] = [];
  if (beyond.length > 0) {
    const text = `it has committed beyond what was copied, and stands at the end of it: ${beyond.join(", ")}`;
    findings.push(incomplete(subject, text, "copy these topics again when nobody writes to them"));
  }
  const before = new Map(offsets.map((each) => [partitionName(each), each.offset]));
  const moved = now.filter(
    (each) => copies.has(partitionName(each)) && before.get(partitionName(each)) !== each.offset,
  );
  if (moved.length > 0) {
    const text = `it has committed during the export, and its offsets from before were carried: ${moved.map(partitionName).join(", ")}`;
    const remedy = "stop its members and export these topics again; until then the target delivers some records again";
    findings.push(incomplete(subject, text, remedy));
  }
  return { offsets: carried, findings };
}

/**
 * Groups that had no offsets before the copy, and have some of copied partitions now.
 *
 * @param before the groups with offsets before the copy. @param now those after it.
 */
export function lateGroups(
  before: readonly GroupOffsets[],
  now: readonly GroupOffsets[],
  copies: ReadonlyMap<string, PartitionCopy>,
): Finding[] {
  const known = new Set(before.map(({ groupId }) => groupId));
  return now.flatMap(({ groupId, offsets }) => {
    const late = known.has(groupId) ? [] : offsets.map(partitionName).filter((name) => copies.has(name));
    if (late.length === 0) return [];
    const text = `it has committed its first offsets during the export, and they are not carried: ${late.join(", ")}`;
    const remedy = "stop its members and export these topics again, or set its offsets at the target";
    return [incomplete(`group ${groupId}`, text, `${remedy} with kafka-consumer-groups.sh --reset-offsets`)];
  });
}

/** Where the offsets come from and go to. */
export interface GroupCarriers {
  readonly from: KafkaAdmin;
  readonly to: KafkaAdmin;
  readonly signal: AbortSignal;
}

/** Carries the offsets of groups in the copied partitions. Returns how many of each group arrived. */
export async function carryGroups(
  groups: readonly GroupOffsets[],
  copies: ReadonlyMap<string, PartitionCopy>,
  { from, to, signal }: GroupCarriers,
): Promise<{ readonly carried: ReadonlyMap<string, number>; readonly findings: Finding[] }> {
  const carried = new Map<string, number>();
  const findings: Finding[] = [];
  for (const group of groups) {
    const { groupId } = group;
    if (!group.offsets.some((each) => copies.has(partitionName(each)))) continue;
    try {
      const plan = planGroupOffsets(group, await from.listGroupOffsets(groupId, signal), copies);
      findings.push(...plan.findings);
      await to.alterGroupOffsets(groupId, plan.offsets, signal);
      carried.set(groupId, plan.offsets.length);
    } catch (error) {
      if (signal.aborted || isOutage(error)) throw error;
      const text = `its offsets are not set at the target, or not all of them: ${reasonOf(error)}`;
      const remedy =
        "stop its members at the target, and set its offsets there with kafka-consumer-groups.sh --reset-offsets";
      findings.push(incomplete(`group ${groupId}`, text, remedy));
    }
  }
  return { carried, findings };
}
