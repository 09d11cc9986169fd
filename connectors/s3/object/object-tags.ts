import { errorKind, type Logger } from "../../../src/api/index.js";
import type { ObjectFacts } from "../formats/format.js";
import type { ObjectStoreClient, ObjectTag } from "../store/object-store-client.js";
import type { StoreCalls } from "../store/store-calls.js";

export interface ObjectTagSettings {
  /** Beside those with the offsets. */
  readonly pairs: readonly ObjectTag[];
  /** Whether an object that cannot be tagged fails the task; otherwise it is only logged. */
  readonly isRequired: boolean;
}

const TIMEOUT_MS = 30_000;

/** Tags objects once they are stored: their last offset is not known before. */
export class ObjectTags {
  constructor(
    private readonly settings: ObjectTagSettings,
    private readonly client: ObjectStoreClient,
    private readonly calls: StoreCalls,
    private readonly logger: Logger,
  ) {}

  /**
   * @param abandoned ends the request.
   * @throws as StoreCalls.run if tags are required, and always when abandoned.
   */
  async tag(key: string, { startOffset, endOffset, count }: ObjectFacts, abandoned: AbortSignal): Promise<void> {
    const tags = [
      { key: "startOffset", value: String(startOffset) },
      { key: "endOffset", value: String(endOffset) },
      { key: "recordCount", value: String(count) },
      ...this.settings.pairs,
    ];
    try {
      await this.calls.run({
        doing: `tagging object ${key}`,
        timeoutMs: TIMEOUT_MS,
        abandoned,
        run: (signal) => this.client.tagObject(key, tags, signal),
      });
    } catch (error) {
      if (this.settings.isRequired || abandoned.aborted) throw error;
      const { message } = error as Error;
      this.logger.warn(`An object has no tags: ${message}`, { key, retriable: errorKind(error) === "retriable" });
    }
  }
}
