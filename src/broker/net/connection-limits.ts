import type { Logger } from "../../base/logger.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { ClientQuotas } from "../quotas/client-quotas.js";

/**
 * How many connections there are, and whether there may be another one: max.connections, max.connections.per.ip, and the
 * quotas of addresses.
 */
export class ConnectionLimits {
  #count = 0;
  readonly #byAddress = new Map<string, number>();
  /** The limits that have refused a connection since the last one was admitted: each is logged once. */
  readonly #logged = new Set<string>();

  constructor(
    private readonly properties: BrokerProperties,
    private readonly quotas: ClientQuotas,
    private readonly logger: Logger,
  ) {}

  /** Counts a new connection from an address; undefined: it must be closed. Otherwise `leave` is called at its end. */
  admit(address: string): { leave(): void } | undefined {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#isOver("max.connections", this.#count, address)) return undefined;
    if (this.#isOver("max.connections.per.ip", ofAddress, address)) return undefined;
    this.#logged.clear();
    this.#count++;
    this.#byAddress.set(address, ofAddress + 1);
    return {
      leave: () => {
        this.#count--;
        const left = this.#byAddress.get(address)! - 1;
        if (left > 0) this.#byAddress.set(address, left);
        else this.#byAddress.delete(address);
      },
    };
  }

  /** For how many ms an admitted connection waits until it is closed, as its address connects too often; 0: it does not. */
  throttleMs(address: string): number {
    return this.quotas.recordConnection(address);
  }

  #isOver(property: string, count: number, address: string): boolean {
    const limit = this.properties.number(property);
    if (count < limit) return false;
    if (!this.#logged.has(property)) {
      this.#logged.add(property);
      this.logger.warn("Closed a new connection: there are as many as a broker property allows", {
        property,
        limit,
        address,
      });
    }
    return true;
  }
}
