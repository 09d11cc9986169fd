import type { Logger, TopicPartition } from "../../../src/api/index.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import { ExpectedFailure, type StoreCalls } from "../store/store-calls.js";
import { folderOf, nameStartOf, type ObjectKeySettings } from "./object-key.js";

/** The store bills the parts of an upload until it is completed or aborted. A task that is killed does neither. */
const ORPHANED_AFTER_MS = 24 * 3_600_000;
const TIMEOUT_MS = 10_000;

/** What the clean-up needs of a task. */
interface OrphanSearch {
  readonly key: ObjectKeySettings;
  readonly client: ObjectStoreClient;
  readonly calls: StoreCalls;
  readonly logger: Logger;
}

/**
 * Aborts the uploads of these partitions that began more than a day ago. Called when the task has just opened them, so
 * none is its own; a task whose upload is gone finds out when it uploads the next part or completes it, and reads its
 * records again. Failures are logged: nothing but the bill depends on it.
 */
export async function abortOrphans(
  search: OrphanSearch,
  partitions: readonly TopicPartition[],
  nowMs: number,
): Promise<void> {
  const byTopic = new Map<string, string[]>();
  for (const { topic, partition } of partitions) {
    const starts = byTopic.get(topic) ?? [];
    byTopic.set(topic, starts);
    starts.push(nameStartOf(search.key, topic, partition));
  }
  for (const [topic, starts] of byTopic) {
    try {
      await abortOfTopic(search, topic, starts, nowMs - ORPHANED_AFTER_MS);
    } catch (error) {
      search.logger.info(`Unfinished uploads of earlier tasks were not looked for: ${(error as Error).message}`, {
        topic,
      });
    }
  }
}

async function abortOfTopic(
  { key, client, calls, logger }: OrphanSearch,
  topic: string,
  starts: readonly string[],
  beforeMs: number,
): Promise<void> {
  const folder = folderOf(key, topic);
  const uploads = await calls.run({
    doing: `listing the unfinished uploads below ${folder}`,
    timeoutMs: TIMEOUT_MS,
    run: (signal) => client.listUploads(folder, signal),
  });
  if (uploads instanceof ExpectedFailure) throw uploads.cause;
  for (const upload of uploads) {
    const name = upload.key.slice(upload.key.lastIndexOf(key.directoryDelimiter) + key.directoryDelimiter.length);
    if (upload.startedMs >= beforeMs || !starts.some((start) => name.startsWith(start))) continue;
    const failed = await calls.sendOnce({
      doing: `aborting the multipart upload of object ${upload.key}`,
      timeoutMs: TIMEOUT_MS,
      run: (signal) => client.abortUpload(upload.key, upload.uploadId, signal),
    });
    if (failed === undefined) logger.info("An unfinished upload of an earlier task was aborted", { key: upload.key });
    else
      logger.warn("An unfinished upload of an earlier task could not be aborted", {
        key: upload.key,
        cause: failed.failure.cause,
      });
  }
}
