import { errorKind } from "../../../src/api/index.js";
import type { OpenFile } from "./open-files.js";

/**
 * - done: all files are there.
 * - not-ours: an object was there already, and holds other rows than the file.
 * - failed: tried again when `settled` is asked next.
 */
export type FinishResult =
  | { readonly kind: "done" | "not-ours" }
  | { readonly kind: "failed"; readonly error: unknown };

/**
 * The files that the last rotation of a topic partition took out, until all are there. They are finished beside the
 * batches that follow; after a failure the next batch waits for them.
 */
export class FinishingFiles {
  #files: readonly OpenFile[] = [];
  #underway: Promise<void> | null = null;
  #result: FinishResult | null = null;

  /**
   * @param finish brings one file to its end: whether the object is there and holds our rows. Called again after a failure.
   * @param done called as soon as all are there.
   */
  constructor(
    private readonly finish: (file: OpenFile) => Promise<boolean>,
    private readonly done: () => void,
  ) {}

  get isEmpty(): boolean {
    return this.#files.length === 0;
  }

  /** Called when the files of the last rotation are there. */
  start(files: readonly OpenFile[]): void {
    this.#files = files;
    this.#run();
  }

  /** How it went, or null: nothing to say, or not over yet. Waits if told to, and when it is tried again. */
  async settled(wait: boolean): Promise<Exclude<FinishResult, { kind: "done" }> | null> {
    const isRetry = this.#result?.kind === "failed";
    if (isRetry) this.#run();
    if (wait || isRetry) await this.#underway;
    return this.#result as Exclude<FinishResult, { kind: "done" }> | null;
  }

  /** Waits for what is under way. */
  async quiesce(): Promise<void> {
    await this.#underway;
  }

  /** Lets go of the files, finished or not, when nothing is under way. */
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

  /** Never rejects: nobody may be waiting. */
  async #finishAll(): Promise<FinishResult> {
    const results = await Promise.allSettled(this.#files.map((file) => this.finish(file)));
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (failures.length > 0)
      return { kind: "failed", error: failures.find((error) => errorKind(error) !== "retriable") ?? failures[0] };
    const isOurs = results.every((result) => result.status === "fulfilled" && result.value);
    return { kind: isOurs ? "done" : "not-ours" };
  }
}
