import type { TopicPartitionOffset } from "../kafka/client/topic-partition.js";

/** What the target has of a topic's name. */
export interface TargetTopic {
  /** First offset and end of each partition. */
  readonly starts: readonly TopicPartitionOffset[];
  readonly ends: readonly TopicPartitionOffset[];
}

/** What to do about a topic at the target. */
export type TopicPlan =
  | { readonly kind: "create" }
  /** It exists, without records, and with the same partitions. */
  | { readonly kind: "fill" }
  | { readonly kind: "refuse"; readonly why: string; readonly remedy: string };

/**
 * Decides whether a topic can be copied: an export never adds to records that are not its own.
 *
 * @param partitions how many the topic has at the source.
 * @param target undefined: it does not exist there.
 */
export function planTopic(name: string, partitions: number, target: TargetTopic | undefined): TopicPlan {
  if (!target) return { kind: "create" };
  if (target.ends.length !== partitions) {
    return {
      kind: "refuse",
      why: `it exists at the target with ${target.ends.length} partitions, and has ${partitions} at the source`,
      remedy: `delete it at the target, or leave it out with --topics`,
    };
  }
  const filled = target.ends.filter(({ offset }, at) => offset > target.starts[at]!.offset);
  if (filled.length === 0) return { kind: "fill" };
  const where = filled.map(({ partition }) => `${name}-${partition}`).join(", ");
  return {
    kind: "refuse",
    why: `it exists at the target and holds records (${where})`,
    remedy: `delete it at the target if nobody needs these records, or leave it out with --topics`,
  };
}

/** Topics that a cluster writes for itself. Their contents mean nothing elsewhere. */
const INTERNAL: ReadonlySet<string> = new Set(["__consumer_offsets", "__transaction_state", "__share_group_state"]);

/** Whether a topic is left out. @param internal as the cluster describes it. */
export function isInternal(name: string, internal: boolean): boolean {
  return internal || INTERNAL.has(name);
}
