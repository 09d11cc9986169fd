import { type Deferred, deferred } from "../../src/base/deferred.js";
import type { Interceptor } from "../../src/broker/interceptor.js";

/**
 * Cuts clients off from a broker like a dead network: their requests hang and connections stay open. Once the network
 * heals, however late, all of them arrive.
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

  /** Cuts off clients whose `client.id` begins with `prefix`. */
  cut(prefix: string): void {
    this.#healed.set(prefix, deferred());
  }

  heal(prefix: string): void {
    this.#healed.get(prefix)?.resolve();
    this.#healed.delete(prefix);
  }
}
