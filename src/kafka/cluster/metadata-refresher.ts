import { mustRun } from "../../base/command-loop.js";
import type { Cluster } from "./cluster.js";
import { type Connectivity, reasonOf } from "./connectivity.js";
import { backoffMs, isRetriable } from "./retry.js";

/** A user of metadata: a producer or a consumer. */
export interface MetadataUser {
  isClosed(): boolean;
  /** The reason why the current metadata is not enough; undefined when it is. */
  missing(): string | undefined;
  /** Whether a request failed for a reason other than metadata and is being retried. */
  isFailing(): boolean;
  /** Metadata was refused with an error that is not retriable, such as wrong credentials. */
  refused(error: Error): void;
  /** Called after each refresh: the user should look again. */
  wake(): void;
}

/** A reason for waiting is reported only after this many failures: a single retry is not worth reporting. */
export const REPORT_AFTER_FAILURES = 2;

/** Refreshes metadata in the background for one user, with backoff while the user misses something. */
export class MetadataRefresher {
  #isRefreshing = false;
  #failures = 0;

  constructor(
    private readonly cluster: Cluster,
    private readonly connectivity: Connectivity,
    private readonly user: MetadataUser,
  ) {}

  /** The number of refreshes in a row after which something was still missing. */
  get failures(): number {
    return this.#failures;
  }

  /** Starts a refresh, unless one is running or backing off. */
  refresh(): void {
    if (this.#isRefreshing || this.user.isClosed()) return;
    this.#isRefreshing = true;
    mustRun("The refresh of metadata", this.#refresh());
  }

  async #refresh(): Promise<void> {
    const missing = await this.#refreshOnce();
    if (missing === undefined) {
      this.#failures = 0;
      // If no request is being sent, no success would ever clear the reason.
      if (!this.user.isFailing()) this.connectivity.moving();
    } else {
      this.#failures++;
      if (this.#failures >= REPORT_AFTER_FAILURES) this.connectivity.waiting(missing);
      await this.cluster.clock.delay(backoffMs(this.cluster, this.#failures));
    }
    this.#isRefreshing = false;
    this.user.wake();
  }

  /** Refreshes once; returns the reason if something is still missing. */
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
