import { ConfigError } from "../api/errors.js";
import type { TopicDescription } from "../kafka/client/kafka-admin.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { exportAcls } from "./acl-export.js";
import { type Finding, findingLine, incomplete, reasonOf } from "./finding.js";
import { carryGroups, type GroupOffsets, lateGroups, readGroups } from "./group-offsets.js";
import { neverCarried } from "./never-carried.js";
import type { PartitionCopy } from "./partition-copy.js";
import { partitionName } from "./partition-name.js";
import type { CopyContext } from "./record-copy.js";
import { differenceNotes, judgeSource, lateTopics, shiftNotes, topicLine } from "./report.js";
import { exportTopic, failedTopic, type TopicOutcome } from "./topic-export.js";
import { isInternal } from "./topic-plan.js";

/** The parts and settings of an export. */
export interface ExportOptions extends CopyContext {
  /** The only topics to export; undefined: all. */
  readonly topics?: readonly string[] | undefined;
  /** Of topics that are created; -1: the target's default. */
  readonly replicationFactor: number;
  /** Has partitions whose first records are deleted begin at the source's offset. */
  readonly keepsOffsets: boolean;
  /** Receives the report, line by line. */
  readonly print: (line: string) => void;
}

/**
 * Copies topics, their configs and records, offsets of groups and ACLs of one cluster to another, as a client of both,
 * and reports what was not carried, and why.
 *
 * @returns whether everything was carried that can be.
 * @throws ConfigError when both are the same cluster; KafkaError when the source or the target cannot be read at the
 *   start.
 */
export async function exportCluster(options: ExportOptions): Promise<boolean> {
  return new ClusterExport(options).run();
}

class ClusterExport {
  readonly #findings: Finding[] = [];
  readonly #outcomes: TopicOutcome[] = [];
  readonly #copies = new Map<string, PartitionCopy>();
  #groups = 0;
  #offsets = 0;
  #acls = 0;

  constructor(private readonly options: ExportOptions) {}

  async run(): Promise<boolean> {
    const { from, signal, print } = this.options;
    await this.#refuseOneCluster();
    const topics = await this.#topics();
    const { groups, findings } = await readGroups(from.admin, signal);
    this.#findings.push(...findings);
    const committed = new Map<string, number[]>();
    for (const each of groups.flatMap(({ offsets }) => offsets)) {
      const offsets = committed.get(partitionName(each)) ?? [];
      committed.set(partitionName(each), offsets);
      offsets.push(each.offset);
    }
    const reached = await this.#exportTopics(topics, committed);
    if (reached === topics.length) {
      await this.#orBrokenOff(async () => {
        const { carried, findings } = await carryGroups(groups, this.#copies, {
          from: from.admin,
          to: this.options.to.admin,
          signal,
        });
        this.#findings.push(...findings);
        this.#groups = carried.size;
        this.#offsets = [...carried.values()].reduce((sum, count) => sum + count, 0);
        const acls = await exportAcls(from.admin, this.options.to.admin, signal);
        this.#findings.push(...acls.findings);
        this.#acls = acls.carried;
        await this.#lookBack(groups);
        this.#findings.push(...(await neverCarried(from.admin, signal)));
      });
    } else {
      const left = topics.slice(reached + 1).map(({ name }) => name);
      const others = left.length === 0 ? "" : `topics ${left.join(", ")} and `;
      const text = `it broke off: ${others}the offsets of groups and the ACLs are not carried`;
      this.#findings.push(incomplete("export", text, this.#brokenOffRemedy()));
    }
    for (const finding of this.#findings) print(findingLine(finding));
    print(this.#summary());
    return this.#findings.every(({ kind }) => kind === "note");
  }

  async #refuseOneCluster(): Promise<void> {
    const { from, to, signal } = this.options;
    const id = await from.admin.clusterId(signal);
    // A broker that tells no id may be any.
    if (id === "" || id !== (await to.admin.clusterId(signal))) return;
    throw new ConfigError("to", `--from and --to are the same cluster (${id}): name the Kafka to move to with --to`);
  }

  /** The topics to export, by name. */
  async #topics(): Promise<TopicDescription[]> {
    const { found, missing } = await this.#describe();
    for (const name of missing) {
      this.#findings.push(incomplete(`topic ${name}`, "it does not exist at the source", "check --topics"));
    }
    for (const { name } of this.options.topics ? found.filter(isLeftOut) : []) {
      const text = "a cluster's internal topics are not copied: offsets of groups are carried by themselves";
      this.#findings.push(incomplete(`topic ${name}`, text, "leave it out of --topics"));
    }
    return found.filter((each) => !isLeftOut(each));
  }

  /** The source's topics, or those of them that are asked for. */
  async #describe(): Promise<{ readonly found: TopicDescription[]; readonly missing: readonly string[] }> {
    const { from, signal } = this.options;
    const names = this.options.topics ?? (await from.admin.listTopics(signal));
    const { topics, missing } = await from.admin.describeTopics([...new Set(names)], signal);
    return { found: [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), missing };
  }

  /** Exports one topic after the other. Returns how many were attempted before a cluster was gone. */
  async #exportTopics(topics: readonly TopicDescription[], committed: Map<string, number[]>): Promise<number> {
    const { signal, print } = this.options;
    for (const [at, topic] of topics.entries()) {
      const outcome = await exportTopic(topic, { ...this.options, committed }).catch((error: unknown) => {
        if (!signal.aborted && !(error instanceof KafkaError)) throw error;
        return failedTopic(topic.name, error, signal);
      });
      this.#outcomes.push(outcome);
      this.#findings.push(...outcome.findings);
      for (const copy of outcome.copies) this.#copies.set(partitionName(copy.range), copy);
      print(topicLine(outcome));
      if (outcome.endsExport) return at;
    }
    return topics.length;
  }

  /** What has changed at the source since the copies began, and what is another way at the target. */
  async #lookBack(groups: readonly GroupOffsets[]): Promise<void> {
    const { from, signal } = this.options;
    for (const outcome of this.#outcomes) {
      const partitions = outcome.copies.map(({ range }) => range);
      const ends = await from.admin.endOffsets(partitions, signal);
      const starts = await from.admin.startOffsets(partitions, signal);
      this.#findings.push(...judgeSource(outcome, starts, ends));
    }
    this.#findings.push(
      ...lateTopics(
        this.#outcomes,
        (await this.#describe()).found.filter((each) => !isLeftOut(each)),
      ),
    );
    const late = await readGroups(from.admin, signal);
    const told = new Set(this.#findings.map(({ subject }) => subject));
    this.#findings.push(
      ...lateGroups(groups, late.groups, this.#copies),
      ...late.findings.filter(({ kind, subject }) => kind === "incomplete" && !told.has(subject)),
    );
    this.#findings.push(...shiftNotes(this.#outcomes), ...differenceNotes(this.#outcomes));
  }

  async #orBrokenOff(carry: () => Promise<void>): Promise<void> {
    try {
      await carry();
    } catch (error) {
      if (!this.options.signal.aborted && !(error instanceof KafkaError)) throw error;
      const text = `it broke off after the topics were copied: ${reasonOf(error)}`;
      this.#findings.push(incomplete("export", text, this.#brokenOffRemedy()));
    }
  }

  #copied(): string[] {
    return this.#outcomes.filter(({ copies }) => copies.length > 0).map(({ topic }) => topic);
  }

  /** Before it is tried again, what this export has written must be gone. */
  #brokenOffRemedy(): string {
    const begun = this.#outcomes.filter(({ copies, endsExport }) => copies.length > 0 || endsExport);
    const which = begun.length === 0 ? "" : `, delete ${begun.map(({ topic }) => topic).join(", ")} at the target`;
    return `mend the cause${which}, and export again`;
  }

  #summary(): string {
    const copied = this.#copied().length;
    const records = [...this.#copies.values()].reduce((sum, copy) => sum + copy.records, 0);
    const unfinished = this.#findings.filter(({ kind }) => kind === "incomplete").length;
    const verdict = unfinished === 0 ? "complete" : `INCOMPLETE, ${unfinished} findings`;
    const groups = `${this.#offsets} offsets of ${this.#groups} groups`;
    return `export: ${copied} topics, ${records} records, ${groups}, ${this.#acls} ACLs: ${verdict}`;
  }
}

function isLeftOut({ name, internal }: TopicDescription): boolean {
  return isInternal(name, internal);
}
