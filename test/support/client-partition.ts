import { type Deferred, deferred } from "../../src/base/deferred.js";
import type { Interceptor } from "../../src/broker/interceptor.js";

/**
 * Cuts clients off from a broker as a dead network does: what they ask hangs, connections stay open, and it all arrives
 * when the network heals, however late that is.
 */
export class ClientPartition {
  readonly #healed = new Map<string, Deferred<void>>();

  /** The broker's interceptor. */
  readonly intercept: Interceptor = ({ clientId }) => {
    for (const [prefix, healed] of this.#healed) {
      if (clientId.startsWith(prefix)) return { kind: "delay", until: healed.promise };
    }
    return undefined;
  };

  /** From now on nothing gets through from clients whose `client.id` begins with `prefix`. */
  cut(prefix: string): void {
    this.#healed.set(prefix, deferred());
  }

  heal(prefix: string): void {
    this.#healed.get(prefix)?.resolve();
    this.#healed.delete(prefix);
  }
}
