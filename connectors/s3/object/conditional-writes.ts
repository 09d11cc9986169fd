import { crc32 } from "node:zlib";
import { type Logger, UnsupportedError } from "../../../src/api/index.js";
import type { ObjectStoreClient } from "../store/object-store-client.js";
import { ExpectedFailure, type StoreCall, type StoreCalls } from "../store/store-calls.js";

/**
 * The handling of an object that exists already:
 * - keep: it is never overwritten; its records are read again and left out (scheduled rotation).
 * - compare: it is overwritten only if it holds records of ours. Otherwise it is another topic's, and the task fails.
 * - overwrite: without a look (enable.conditional.writes=false).
 */
export type OnExisting = "keep" | "compare" | "overwrite";

const PROBE_TIMEOUT_MS = 5000;
const PROBE_TEXT = Buffer.from("Millrace keeps this object to find out whether the store honours If-None-Match.\n");
const PROBE_BODY = {
  length: PROBE_TEXT.length,
  crc32: crc32(PROBE_TEXT),
  open: async function* () {
    yield PROBE_TEXT;
  },
};

/**
 * Whether a task's objects are created with If-None-Match. Where nothing but that header keeps a stale task from
 * overwriting a longer object, the store must prove that it honours it: many answer 200 and ignore it.
 */
export class ConditionalWrites {
  #proven = false;
  #refused = false;

  /** @param probeKey an object that stays, so that the next start finds it and needs one request less. */
  constructor(
    readonly onExisting: OnExisting,
    private readonly probeKey: string,
    private readonly client: ObjectStoreClient,
    private readonly calls: StoreCalls,
    private readonly logger: Logger,
  ) {}

  /** Whether requests carry the header. */
  get areUsed(): boolean {
    return this.onExisting !== "overwrite" && !this.#refused;
  }

  /**
   * Writes the probe object twice, and once as a multipart upload: both must be refused. Does nothing once it was, or
   * where the header is only a precaution.
   *
   * @throws UnsupportedError when the store overwrites; otherwise as StoreCalls.run.
   */
  async requireHonoured(): Promise<void> {
    if (this.#proven || this.onExisting !== "keep") return;
    const isRefused = (await this.#putIsRefused()) || (await this.#putIsRefused());
    if (!isRefused) throw this.unsupported("it overwrote an object in spite of it");
    if (!(await this.#completionIsRefused()))
      throw this.unsupported("a multipart upload overwrote an object in spite of it");
    this.#proven = true;
  }

  /** The store refused a request with the header. Where that is only a precaution, the task goes on without. */
  refused(failed: ExpectedFailure): void {
    if (this.onExisting === "keep") throw this.unsupported(failed.failure.cause, failed.cause);
    this.#refused = true;
    this.logger.warn(
      "The store refuses If-None-Match: objects of an earlier topic of the same name are overwritten without a look",
      { bucket: this.calls.place.bucket, cause: failed.failure.cause },
    );
  }

  unsupported(why: string, cause?: unknown): UnsupportedError {
    return new UnsupportedError(
      "S3_CONDITIONAL_WRITES_UNSUPPORTED",
      `The store of bucket ${this.calls.place.bucket} at ${this.calls.place.endpoint} does not support conditional writes (If-None-Match), which keep scheduled rotation from duplicating records after a crash: ${why}. Set enable.conditional.writes=false to do without.`,
      { cause },
    );
  }

  async #putIsRefused(): Promise<boolean> {
    const result = await this.calls.run(
      this.#probe((signal) => this.client.putObject(this.probeKey, PROBE_BODY, true, signal)),
      ["exists", "not-implemented"],
    );
    return this.#isRefusal(result);
  }

  async #completionIsRefused(): Promise<boolean> {
    const { client, probeKey } = this;
    const uploadId = required(await this.calls.run(this.#probe((signal) => client.createUpload(probeKey, signal))));
    try {
      const part = required(
        await this.calls.run(this.#probe((signal) => client.uploadPart(probeKey, uploadId, 1, PROBE_BODY, signal))),
      );
      const result = await this.calls.run(
        this.#probe((signal) => client.completeUpload(probeKey, uploadId, [part], true, signal)),
        ["exists", "not-implemented"],
      );
      return this.#isRefusal(result);
    } finally {
      await this.calls.sendOnce({
        ...this.#probe((signal) => client.abortUpload(probeKey, uploadId, signal)),
        timeoutMs: PROBE_TIMEOUT_MS,
      });
    }
  }

  #isRefusal(result: unknown): boolean {
    if (!(result instanceof ExpectedFailure)) return false;
    if (result.failure.kind === "not-implemented") this.refused(result);
    return true;
  }

  #probe<T>(run: StoreCall<T>["run"]): StoreCall<T> {
    return { doing: `writing object ${this.probeKey} conditionally`, timeoutMs: PROBE_TIMEOUT_MS, run };
  }
}

function required<T>(result: T | ExpectedFailure): T {
  if (result instanceof ExpectedFailure) throw result.cause;
  return result;
}
