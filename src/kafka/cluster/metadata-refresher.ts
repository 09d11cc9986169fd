import { mustRun } from "../../base/command-loop.js";
import type { Cluster } from "./cluster.js";
import { type Connectivity, reasonOf } from "./connectivity.js";
import { backoffMs, isRetriable } from "./retry.js";

/** Who needs metadata: a producer or a consumer. */
export interface MetadataUser {
  isClosed(): boolean;
  /** Why something still cannot go on with what is known now; undefined when everything can. */
  missing(): string | undefined;
  /** Something failed for a reason other than metadata, and is being tried again. */
  isFailing(): boolean;
  /** Metadata is refused for good, such as for wrong credentials. */
  refused(error: Error): void;
  /** Time to look again. */
  wake(): void;
}

/** A reason for waiting is told only when it lasts: a single retry is nothing to report. */
export const REPORT_AFTER_FAILURES = 2;

/** Refreshes metadata in the background for one user, again and again as long as something of the user's is missing. */
export class MetadataRefresher {
  #isRefreshing = false;
  #failures = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly connectivity: Connectivity,
    private readonly user: MetadataUser,
  ) {}

  /** Refreshes in a row after which something was still missing. */
  get failures(): number {
    return this.#failures;
  }

  /** Begins a refresh, unless one is under way or waited for. */
  refresh(): void {
    if (this.#isRefreshing || this.user.isClosed()) return;
    this.#isRefreshing = true;
    mustRun("The refresh of metadata", this.#refresh());
  }

  async #refresh(): Promise<void> {
    const missing = await this.#refreshOnce();
    if (missing === undefined) {
      this.#failures = 0;
      // With nothing on its way no success of a request would ever take the reason back.
      if (!this.user.isFailing()) this.connectivity.moving();
    } else {
      this.#failures++;
      if (this.#failures >= REPORT_AFTER_FAILURES) this.connectivity.waiting(missing);
      await this.cluster.clock.delay(backoffMs(this.cluster, this.#failures));
    }
    this.#isRefreshing = false;
    this.user.wake();
  }

  /** What is missing afterwards. */
  async #refreshOnce(): Promise<string | undefined> {
    try {
      await this.cluster.refresh();
    } catch (error) {
      if (!isRetriable(error)) this.user.refused(error instanceof Error ? error : new Error(String(error)));
      return reasonOf(error);
    }
    return this.user.isClosed() ? undefined : this.user.missing();
  }
}
