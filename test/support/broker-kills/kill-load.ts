import type { BrokerClient } from "../broker-client.js";

/** A client that works until the broker is killed, again after each start, and that knows what it was promised. */
export interface KillLoad {
  /** What errors call it. */
  readonly name: string;
  /** Creates its topics. Called once, on the first broker. */
  prepare(client: BrokerClient): Promise<void>;
  /**
   * Works until the connection ends, and then rejects with ConnectionEnded. Begins with what the last kill has left
   * unanswered.
   * @param acted called after every answer. @throws Error when the broker refuses what it should accept.
   */
  work(client: BrokerClient, acted: () => void): Promise<never>;
  /** Reads after a start, before `work`, whether the broker has kept its promises. @throws Error that says which not. */
  check(client: BrokerClient): Promise<void>;
}
