import type { TopicPartition } from "../../../src/api/index.js";
import type { OpenFile } from "../object/open-file.js";
import { type CommitProtocol, conflictOf, storeOrAdopt } from "./commit-protocol.js";

/**
 * Where rotation depends on the records alone (mode A, docs/decisions/sink-mode-b.md): an object that exists is an earlier
 * run's, and ours replaces it. One that shares no beginning with ours is another topic's, and the task fails.
 */
export class Overwriting implements CommitProtocol {
  readonly isReplaying = false;

  constructor(private readonly topicPartition: TopicPartition) {}

  mustLook(): boolean {
    return false;
  }

  async look(): Promise<void> {}

  isReplayed(): boolean {
    return false;
  }

  compare(): void {}

  async finish(file: OpenFile): Promise<boolean> {
    const stored = await storeOrAdopt(file);
    if (stored.isOurs) return true;
    if (stored.outcome === "lost") return false;
    if (stored.existing && !(await file.sharesBeginningWith(stored.existing)))
      throw conflictOf(file.key, this.topicPartition, REMEDY);
    return (await file.overwrite()) === "created";
  }

  forget(): void {}
}

const REMEDY =
  " If the records are the same but their rows are not (other settings, or a transformation that adds the current time), set enable.conditional.writes=false to overwrite it.";
