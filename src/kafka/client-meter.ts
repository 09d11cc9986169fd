import type { Clock } from "../api/clock.js";
import { WindowExtreme } from "../base/metrics/window-extreme.js";
import type { ClientMetrics } from "./client/client-metrics.js";

/** Keys of Produce and Fetch, whose time is the client's latency: others wait for a group or are rare. */
const TRANSFERS: ReadonlySet<number> = new Set([0, 1]);

/** Counts what the connections, producers and consumers of one client do. */
export class ClientMeter {
  // Plain numbers, because producers and consumers count for each batch.
  recordsSent = 0;
  recordsRetried = 0;
  recordsFailed = 0;
  recordsConsumed = 0;
  bytesConsumed = 0;
  #requests = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #transfers = 0;
  #transferTimeMs = 0;
  readonly #transferMaxMs = new WindowExtreme("max");

  constructor(
    private readonly clientId: string,
    private readonly clock: Clock,
  ) {}

  /** A request is on its way, in these parts. Returns when it was. */
  sent(parts: readonly Buffer[]): number {
    this.#requests++;
    for (const { length } of parts) this.#sentBytes += length;
    return this.clock.monotonicMs();
  }

  /** A request was answered. @param sinceMs what `sent` returned for it */
  answered(apiKey: number, sinceMs: number, bytes: number): void {
    this.#receivedBytes += bytes;
    if (!TRANSFERS.has(apiKey)) return;
    const nowMs = this.clock.monotonicMs();
    this.#transfers++;
    this.#transferTimeMs += nowMs - sinceMs;
    this.#transferMaxMs.note(nowMs - sinceMs, nowMs);
  }

  metrics(): ClientMetrics {
    const { clientId, recordsSent, recordsRetried, recordsFailed, recordsConsumed, bytesConsumed } = this;
    return {
      clientId,
      requests: this.#requests,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      transfers: this.#transfers,
      transferTimeMs: this.#transferTimeMs,
      transferMaxMs: this.#transferMaxMs.value(this.clock.monotonicMs()),
      recordsSent,
      recordsRetried,
      recordsFailed,
      recordsConsumed,
      bytesConsumed,
    };
  }
}
