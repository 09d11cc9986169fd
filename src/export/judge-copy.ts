import { type Finding, incomplete } from "./finding.js";
import type { PartitionCopy } from "./partition-copy.js";

/** The first offset and the end of a partition at the target, after the copy. */
export interface TargetBounds {
  readonly start: number;
  readonly end: number;
}

/** Whether the target holds exactly the records that it has acknowledged. */
export function judgeCopy(copy: PartitionCopy, bounds: TargetBounds): Finding[] {
  const { topic, partition } = copy.range;
  const subject = `topic ${topic}`;
  const name = `partition ${topic}-${partition}`;
  const findings: Finding[] = [];
  const surplus = bounds.end - copy.targetStart - copy.records;
  if (surplus !== 0) {
    const text =
      surplus > 0
        ? `${name} holds ${surplus} records more than the ${copy.records} that were acknowledged: somebody else writes there, or a batch was written twice`
        : `${name} holds ${-surplus} records fewer than the ${copy.records} that were acknowledged`;
    findings.push(incomplete(subject, text, copyAgain(topic)));
  }
  if (bounds.start > copy.targetStart) {
    const text = `the target has deleted the records of ${name} before offset ${bounds.start} already`;
    findings.push(
      incomplete(subject, text, `look for a policy of the target's that limits retention; ${copyAgain(topic)}`),
    );
  }
  if (bounds.start < copy.targetStart) {
    const text = `${name} begins at ${bounds.start} and not at ${copy.targetStart}: it holds records that are not the source's`;
    findings.push(incomplete(subject, text, copyAgain(topic)));
  }
  return findings;
}

/** The remedy for a topic that is only half there. */
export function copyAgain(topic: string): string {
  return `delete the topic at the target (kafka-topics.sh --delete --topic ${topic}) and export it again with --topics ${topic}`;
}
