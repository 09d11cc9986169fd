import type { KafkaAdmin, TopicDescription } from "../kafka/client/kafka-admin.js";
import type { TopicPartition, TopicPartitionOffset } from "../kafka/client/topic-partition.js";
import { KafkaError } from "../protocol/kafka-error.js";
import {
  type ConfigChanges,
  type DefaultDifference,
  defaultDifferences,
  planConfigs,
  TIMESTAMP_TYPE,
} from "./config-plan.js";
import { type Finding, incomplete, isOutage, note, reasonOf } from "./finding.js";
import { nameOf } from "./group-offsets.js";
import { copyAgain, judgeCopy } from "./judge-copy.js";
import { PartitionCopy } from "./partition-copy.js";
import { type CopyContext, copyRecords } from "./record-copy.js";
import { planTopic, type TargetTopic } from "./topic-plan.js";

/** The parts that the export of a topic uses. */
export interface TopicContext extends CopyContext {
  /** Of topics that are created; -1: the target's default. */
  readonly replicationFactor: number;
  /** Offsets that groups have committed, by partition (`orders-3`). */
  readonly committed: ReadonlyMap<string, readonly number[]>;
}

/** A topic after its export. */
export interface TopicOutcome {
  readonly topic: string;
  /** The finished copies; none if the topic was not copied, or not to its end. */
  readonly copies: readonly PartitionCopy[];
  /** End of each copied partition at the source (high watermark) before the copy. */
  readonly sourceEnds: readonly TopicPartitionOffset[];
  readonly differences: readonly DefaultDifference[];
  readonly findings: readonly Finding[];
  /** A cluster is gone, or the export is to stop: nothing else can be carried. */
  readonly endsExport?: boolean;
}

/** A topic that is not copied, or only in part. */
function refused(topic: string, why: string, remedy: string): TopicOutcome {
  const findings = [incomplete(`topic ${topic}`, `it is not copied: ${why}`, remedy)];
  return { topic, copies: [], sourceEnds: [], differences: [], findings };
}

/** The outcome for an error of `exportTopic`. @param also follows the reason. */
export function failedTopic(topic: string, error: unknown, signal: AbortSignal, also = ""): TopicOutcome {
  return {
    ...refused(topic, `${reasonOf(error)}${also}`, `mend this, then ${copyAgain(topic)}`),
    endsExport: signal.aborted || isOutage(error),
  };
}

/**
 * Exports one topic: creates it, copies its records, compares, and sets its configs.
 * @throws KafkaError of an administrative call that failed.
 */
export async function exportTopic(described: TopicDescription, context: TopicContext): Promise<TopicOutcome> {
  const { name } = described;
  const partitions = described.partitions.map(({ partition }) => ({ topic: name, partition }));
  const target = await targetTopic(name, context);
  const plan = planTopic(name, partitions.length, target);
  if (plan.kind === "refuse") return refused(name, plan.why, plan.remedy);
  if (plan.kind === "create") {
    const { replicationFactor, signal } = context;
    const [result] = await context.to.admin.createTopics(
      [{ name, partitions: partitions.length, replicationFactor }],
      signal,
    );
    if (result?.error) {
      const remedy = "mend what the target names, such as --replication-factor, and export it again";
      return refused(name, `the target does not create it: ${reasonOf(result.error)}`, remedy);
    }
  }
  return fillTopic(name, partitions, context);
}

async function targetTopic(name: string, { to, signal }: TopicContext): Promise<TargetTopic | undefined> {
  const { topics } = await to.admin.describeTopics([name], signal);
  const found = topics.get(name);
  if (!found) return undefined;
  const partitions = found.partitions.map(({ partition }) => ({ topic: name, partition }));
  return {
    starts: await to.admin.startOffsets(partitions, signal),
    ends: await to.admin.endOffsets(partitions, signal),
  };
}

/** Copies into a topic that is there, without records. */
async function fillTopic(
  name: string,
  partitions: readonly TopicPartition[],
  context: TopicContext,
): Promise<TopicOutcome> {
  const { from, to, signal } = context;
  const subject = `topic ${name}`;
  const sourceConfigs = await from.admin.describeTopicConfigs(name, signal);
  const configs = planConfigs(
    name,
    sourceConfigs,
    await to.admin.describeTopicConfigs(name, signal),
    await replicasOf(name, to.admin, signal),
  );
  const findings: Finding[] = [...configs.findings];
  for (const [key, error] of await applyConfigs(to.admin, name, configs.first, signal)) {
    const text = `the target refuses ${key}=${configs.first[key]}: ${reasonOf(error)}`;
    findings.push(incomplete(subject, text, `set ${key} there with kafka-configs.sh to what it allows`));
  }
  for (const [key, error] of await applyConfigs(to.admin, name, configs.holds, signal)) {
    const why = `the target does not take ${key}=${configs.holds[key]} for the time of the copy: ${reasonOf(error)}`;
    if (key === TIMESTAMP_TYPE)
      return refused(name, `${why}; it would falsify timestamps`, `allow ${key} on topics there`);
    findings.push(note(subject, why, "nothing, if the topic was copied without another finding"));
  }
  const sourceEnds = await from.admin.endOffsets(partitions, signal);
  const starts = await from.admin.startOffsets(partitions, signal);
  const stableEnds = await from.admin.endOffsets(partitions, signal, "read_committed");
  const targetEnds = await to.admin.endOffsets(partitions, signal);
  const copies = partitions.map((each, at) => {
    // The ends are asked for one after the other: what was written in between is beyond both.
    const end = Math.min(sourceEnds[at]!.offset, stableEnds[at]!.offset);
    const committed = context.committed.get(nameOf(each)) ?? [];
    return new PartitionCopy({ ...each, start: starts[at]!.offset, end }, targetEnds[at]!.offset, committed);
  });
  for (const [at, { range }] of copies.entries()) {
    const held = sourceEnds[at]!.offset - range.end;
    if (held <= 0) continue;
    const text = `an open transaction holds back ${nameOf(range)} from offset ${range.end}: ${held} offsets are not copied`;
    const remedy = `end it (kafka-transactions.sh find-hanging, abort), then ${copyAgain(name)}`;
    findings.push(incomplete(subject, text, remedy));
  }
  try {
    await copyRecords(copies, context);
  } catch (error) {
    return failedTopic(name, error, signal, `; ${progressOf(copies)}`);
  }
  const newStarts = await to.admin.startOffsets(partitions, signal);
  const newEnds = await to.admin.endOffsets(partitions, signal);
  for (const [at, copy] of copies.entries()) {
    findings.push(...judgeCopy(copy, { start: newStarts[at]!.offset, end: newEnds[at]!.offset }));
  }
  for (const [key, error] of await applyConfigs(to.admin, name, configs.last, signal)) {
    const text = `${key} is still ${configs.holds[key]}, as during the copy: the target refuses ${configs.last[key] ?? "its default"}: ${reasonOf(error)}`;
    findings.push(incomplete(subject, text, `set ${key} there with kafka-configs.sh`));
  }
  const differences = defaultDifferences(sourceConfigs, await to.admin.describeTopicConfigs(name, signal));
  return { topic: name, copies, sourceEnds, differences, findings };
}

function progressOf(copies: readonly PartitionCopy[]): string {
  const done = copies.reduce((sum, { records }) => sum + records, 0);
  return `${done} of its records were acknowledged`;
}

async function replicasOf(name: string, admin: KafkaAdmin, signal: AbortSignal): Promise<number> {
  const { topics } = await admin.describeTopics([name], signal);
  return topics.get(name)?.partitions[0]?.replicas.length ?? 1;
}

/** Changes configs, all together or else one by one. Returns the refusal of each that is not changed. */
async function applyConfigs(
  admin: KafkaAdmin,
  topic: string,
  changes: ConfigChanges,
  signal: AbortSignal,
): Promise<Map<string, KafkaError>> {
  const refusals = new Map<string, KafkaError>();
  const attempt = async (some: ConfigChanges) => {
    try {
      await admin.alterTopicConfigs(topic, some, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted || isOutage(error) || !(error instanceof KafkaError)) throw error;
      return error;
    }
  };
  if (!(await attempt(changes))) return refusals;
  for (const [key, value] of Object.entries(changes)) {
    const refusal = await attempt({ [key]: value });
    if (refusal) refusals.set(key, refusal);
  }
  return refusals;
}
