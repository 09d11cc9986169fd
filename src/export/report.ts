import type { TopicDescription } from "../kafka/client/kafka-admin.js";
import type { TopicPartitionOffset } from "../kafka/client/topic-partition.js";
import { type Finding, incomplete, note } from "./finding.js";
import { copyAgain } from "./judge-copy.js";
import { partitionName } from "./partition-name.js";
import type { TopicOutcome } from "./topic-export.js";

/** One line about a topic. */
export function topicLine({ topic, copies }: TopicOutcome): string {
  if (copies.length === 0) return `topic ${topic}: NOT COPIED, for the reason below`;
  const records = copies.reduce((sum, copy) => sum + copy.records, 0);
  const shifted = copies.filter(({ translation }) => translation.firstShift).length;
  const offsets = shifted === 0 ? "offsets kept" : `offsets changed in ${shifted} partitions`;
  return `topic ${topic}: ${copies.length} partitions, ${records} records, ${offsets}`;
}

/**
 * What has happened to a topic at the source since its copy began.
 *
 * @param starts first offsets of the copied partitions now. @param ends their ends.
 */
export function judgeSource(
  { topic, copies, sourceEnds }: TopicOutcome,
  starts: readonly TopicPartitionOffset[],
  ends: readonly TopicPartitionOffset[],
): Finding[] {
  const findings: Finding[] = [];
  const grown = ends.filter(({ offset }, at) => offset !== sourceEnds[at]!.offset);
  if (grown.length > 0) {
    const text = `it was written to during the export; what came after its start is not copied (${grown.map(partitionName).join(", ")})`;
    findings.push(incomplete(`topic ${topic}`, text, `stop its producers, then ${copyAgain(topic)}`));
  }
  const shrunk = starts.filter(({ offset }, at) => offset > copies[at]!.range.start);
  if (shrunk.length > 0) {
    const text = `retention at the source has deleted records during the export; those that were not read before are not copied (${shrunk.map(partitionName).join(", ")})`;
    findings.push(note(`topic ${topic}`, text, "nothing: the source does not have them either"));
  }
  return findings;
}

/** Topics and partitions that are new at the source since the export began. @param now what could be exported now. */
export function lateTopics(outcomes: readonly TopicOutcome[], now: readonly TopicDescription[]): Finding[] {
  const copied = new Map(outcomes.map(({ topic, copies }) => [topic, copies.length]));
  return now.flatMap(({ name, partitions }) => {
    const before = copied.get(name);
    if (before === undefined) {
      const text = "it was created during the export, and is not copied";
      return [incomplete(`topic ${name}`, text, `export it with --topics ${name}`)];
    }
    if (before === 0 || before === partitions.length) return [];
    const text = `it has ${partitions.length} partitions now, of which only the first ${before} are copied`;
    return [incomplete(`topic ${name}`, text, `stop who adds them, then ${copyAgain(name)}`)];
  });
}

/** Which topics have other offsets at the target: a warning to all that keep offsets outside of Kafka. */
export function shiftNotes(outcomes: readonly TopicOutcome[]): Finding[] {
  const shifted = outcomes.flatMap(({ topic, copies }) => {
    const copy = copies.find(({ translation }) => translation.firstShift);
    if (!copy) return [];
    const { source, target } = copy.translation.firstShift!;
    return [`${topic} (in ${partitionName(copy.range)} offset ${source} is now ${target})`];
  });
  if (shifted.length === 0) return [];
  const text = `their records have other offsets at the target, since a topic there begins at 0 and has no gaps: ${shifted.join(", ")}. Offsets of groups are translated; those kept outside of Kafka are not. S3 sinks name objects by offset, and would overwrite objects of other records`;
  const remedy = "give S3 sinks of these topics another topics.dir or bucket, and other programs new offsets";
  return [note("topics", text, remedy)];
}

/** Defaults that are not the same, each once with its topics. */
export function differenceNotes(outcomes: readonly TopicOutcome[]): Finding[] {
  const topics = new Map<string, string[]>();
  for (const { topic, differences } of outcomes) {
    for (const { key, source, target } of differences) {
      const text = `${key} is ${source} by the source's default, and ${target} by the target's`;
      topics.set(text, [...(topics.get(text) ?? []), topic]);
    }
  }
  return [...topics].map(([text, names]) =>
    note("configs", `${text}: topics ${names.join(", ")}`, "set it on these topics if they need the source's value"),
  );
}
