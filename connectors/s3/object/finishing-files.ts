import { errorKind } from "../../../src/api/index.js";
import type { OpenFile } from "./open-file.js";

/**
 * - done: all files are stored.
 * - not-ours: an object of that name exists and holds other rows than the file.
 * - failed: the next call of `settled` tries again.
 */
export type FinishResult =
  | { readonly kind: "done" | "not-ours" }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * The files of a topic partition's last rotation, until all are stored. They are finished while the next batches are
 * written; after a failure the next batch waits for them.
 */
export class FinishingFiles {
  #files: readonly OpenFile[] = [];
  #underway: Promise<void> | null = null;
  #result: FinishResult | null = null;

  /**
   * @param finish stores one file; resolves with whether the object holds our rows. Called again after a failure.
   * @param done called once all are stored.
   */
  constructor(
    private readonly finish: (file: OpenFile) => Promise<boolean>,
    private readonly done: () => void,
  ) {}

  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** Starts on the files of a rotation. The files of the one before are stored by then. */
  start(files: readonly OpenFile[]): void {
    this.#files = files;
    this.#run();
  }

  /** The result to handle, or null if there is none yet. Retries after a failure; waits then, or if `wait` is set. */
  async settled(wait: boolean): Promise<Exclude<FinishResult, { kind: "done" }> | null> {
    const isRetry = this.#result?.kind === "failed";
    if (isRetry) this.#run();
    if (wait || isRetry) await this.#underway;
    return this.#result as Exclude<FinishResult, { kind: "done" }> | null;
  }

  /** Waits until nothing is running. */
  async quiesce(): Promise<void> {
    await this.#underway;
  }

  /** Returns the files, finished or not. Called while nothing is running. */
  take(): readonly OpenFile[] {
    const files = this.#files;
    this.#files = [];
    this.#result = null;
    return files;
  }

  #run(): void {
    this.#result = null;
    this.#underway = this.#finishAll().then((result) => {
      this.#underway = null;
      if (result.kind === "done") {
        this.#files = [];
        this.done();
      } else this.#result = result;
    });
  }

  /** Never rejects: no caller may be waiting. */
  async #finishAll(): Promise<FinishResult> {
    const results = await Promise.allSettled(this.#files.map((file) => this.finish(file)));
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (failures.length > 0)
      return { kind: "failed", error: failures.find((error) => errorKind(error) !== "retriable") ?? failures[0] };
    const isOurs = results.every((result) => result.status === "fulfilled" && result.value);
    return { kind: isOurs ? "done" : "not-ours" };
  }
}
