import type { KafkaAdmin, TopicDescription } from "../kafka/client/kafka-admin.js";
import type { TopicPartition, TopicPartitionOffset } from "../kafka/client/topic-partition.js";
import { KafkaError } from "../protocol/kafka-error.js";
import {
  type ConfigChanges,
  creationConfigs,
  type DefaultDifference,
  defaultDifferences,
  notInForce,
  planConfigs,
  replacesTimestamps,
  type TopicConfigs,
} from "./config-plan.js";
import { type Finding, incomplete, isOutage, note, reasonOf } from "./finding.js";
import { copyAgain, judgeCopy } from "./judge-copy.js";
import { keepOffsets } from "./offset-keeping.js";
import { PartitionCopy } from "./partition-copy.js";
import { partitionName } from "./partition-name.js";
import { type CopyContext, copyRecords } from "./record-copy.js";
import { setConfigs } from "./topic-configs.js";
import { planTopic, type TargetTopic } from "./topic-plan.js";

/** The parts that the export of a topic uses. */
export interface TopicContext extends CopyContext {
  /** Of topics that are created; -1: the target's default. */
  readonly replicationFactor: number;
  /** Has partitions begin at the source's offset. */
  readonly keepsOffsets: boolean;
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
  const configs = await context.from.admin.describeTopicConfigs(name, context.signal);
  if (plan.kind === "fill") return fillTopic(name, partitions, configs, {}, context);
  const created = await createTopic(name, partitions.length, creationConfigs(configs), context);
  if (!(created instanceof KafkaError)) return fillTopic(name, partitions, configs, created, context);
  const remedy = "mend what the target names, such as --replication-factor, and export it again";
  return refused(name, `the target does not create it: ${reasonOf(created)}`, remedy);
}

/** Creates a topic, with these configs if the target takes them. Returns those that it has, or the refusal. */
async function createTopic(
  name: string,
  partitions: number,
  wanted: Readonly<Record<string, string>>,
  context: TopicContext,
): Promise<ConfigChanges | KafkaError> {
  const { replicationFactor, signal, to } = context;
  let refusal: KafkaError | undefined;
  for (const configs of [wanted, {}]) {
    const [result] = await to.admin.createTopics([{ name, partitions, replicationFactor, configs }], signal);
    if (!result?.error) return configs;
    refusal = result.error;
  }
  return refusal!;
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
  sourceConfigs: TopicConfigs,
  createdWith: ConfigChanges,
  context: TopicContext,
): Promise<TopicOutcome> {
  const { from, to, signal } = context;
  const subject = `topic ${name}`;
  const targetConfigs = await to.admin.describeTopicConfigs(name, signal);
  if (replacesTimestamps(targetConfigs)) {
    const why = "the target would replace the timestamps of its records (message.timestamp.type)";
    return refused(name, why, "delete it at the target, and allow message.timestamp.type=CreateTime on new topics");
  }
  const replicas = await replicasOf(name, to.admin, signal);
  const configs = planConfigs(name, sourceConfigs, targetConfigs, replicas, createdWith);
  const findings: Finding[] = [...configs.findings];
  for (const [key, error] of (await setConfigs(name, configs.first, context)).refusals) {
    const text = `the target refuses ${key}=${configs.first[key]}: ${reasonOf(error)}`;
    findings.push(incomplete(subject, text, `set ${key} there with kafka-configs.sh to what it allows`));
  }
  for (const [key, error] of (await setConfigs(name, configs.holds, context)).refusals) {
    const why = `the target does not take ${key}=${configs.holds[key]} for the time of the copy: ${reasonOf(error)}`;
    findings.push(note(subject, why, "nothing, if the topic was copied without another finding"));
  }
  const sourceEnds = await from.admin.endOffsets(partitions, signal);
  let copies: PartitionCopy[] = [];
  try {
    const planned = await planCopies(partitions, sourceEnds, context);
    copies = planned.copies;
    findings.push(...planned.findings);
    await copyRecords(copies, context);
  } catch (error) {
    return failedTopic(name, error, signal, `; ${progressOf(copies)}`);
  }
  const newStarts = await to.admin.startOffsets(partitions, signal);
  const newEnds = await to.admin.endOffsets(partitions, signal);
  for (const [at, copy] of copies.entries()) {
    findings.push(...judgeCopy(copy, { start: newStarts[at]!.offset, end: newEnds[at]!.offset }));
  }
  const given = await setConfigs(name, configs.last, context);
  for (const key of notInForce(configs.last, given.configs)) {
    const refusal = given.refusals.get(key);
    const why = refusal ? `: ${reasonOf(refusal)}` : ", though the target took it";
    const text = `${key} is ${given.configs.get(key)?.value} still, and not ${configs.last[key] ?? "the target's default"}${why}`;
    findings.push(incomplete(subject, text, `set ${key} there with kafka-configs.sh`));
  }
  const differences = defaultDifferences(sourceConfigs, given.configs);
  return { topic: name, copies, sourceEnds, differences, findings };
}

/**
 * Decides what is copied of each partition, and from where on at the target.
 * @param sourceEnds the partitions' ends at the source (high watermark).
 */
async function planCopies(
  partitions: readonly TopicPartition[],
  sourceEnds: readonly TopicPartitionOffset[],
  context: TopicContext,
): Promise<{ readonly copies: PartitionCopy[]; readonly findings: Finding[] }> {
  const { from, to, signal, committed } = context;
  const starts = await from.admin.startOffsets(partitions, signal);
  const stableEnds = await from.admin.endOffsets(partitions, signal, "read_committed");
  const findings: Finding[] = [];
  if (context.keepsOffsets) {
    const ends = await to.admin.endOffsets(partitions, signal);
    const beginnings = ends.map((each, at) => ({ ...each, target: each.offset, source: starts[at]!.offset }));
    findings.push(...(await keepOffsets(beginnings, context)));
  }
  const targetEnds = await to.admin.endOffsets(partitions, signal);
  const copies = partitions.map((each, at) => {
    // The ends are asked for one after the other: what was written in between is beyond both.
    const end = Math.min(sourceEnds[at]!.offset, stableEnds[at]!.offset);
    const range = { ...each, start: starts[at]!.offset, end };
    const held = sourceEnds[at]!.offset - end;
    if (held > 0) {
      const text = `an open transaction holds back ${partitionName(each)} from offset ${end}: ${held} offsets are not copied`;
      const remedy = `end it (kafka-transactions.sh find-hanging, abort), then ${copyAgain(each.topic)}`;
      findings.push(incomplete(`topic ${each.topic}`, text, remedy));
    }
    return new PartitionCopy(range, targetEnds[at]!.offset, committed.get(partitionName(each)) ?? []);
  });
  return { copies, findings };
}

function progressOf(copies: readonly PartitionCopy[]): string {
  const done = copies.reduce((sum, { records }) => sum + records, 0);
  return `${done} of its records were acknowledged`;
}

async function replicasOf(name: string, admin: KafkaAdmin, signal: AbortSignal): Promise<number> {
  const { topics } = await admin.describeTopics([name], signal);
  return topics.get(name)?.partitions[0]?.replicas.length ?? 1;
}
