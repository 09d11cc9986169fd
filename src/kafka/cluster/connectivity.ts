import { KafkaError } from "../../protocol/kafka-error.js";
import type { OnConnectivity } from "../kafka-client.js";

/** Passes a state of waiting on when it changes, and only then. */
export class Connectivity {
  #waitingFor: string | undefined;

  constructor(private readonly listener: OnConnectivity | undefined) {}

  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** Nothing moves, because of this. */
  waiting(reason: string): void {
    this.#set(reason);
  }

  /** It moves (again). */
  moving(): void {
    this.#set(undefined);
  }

  #set(waitingFor: string | undefined): void {
    if (waitingFor === this.#waitingFor) return;
    this.#waitingFor = waitingFor;
    this.listener?.(waitingFor);
  }
}

/**
 * Makes one listener out of several reporters: it hears the reason of the first that waits, and `undefined` once none
 * does. Each call of the returned function makes a reporter.
 */
export function shareConnectivity(listener: OnConnectivity | undefined): () => OnConnectivity {
  const shared = new Connectivity(listener);
  const reasons: (string | undefined)[] = [];
  return () => {
    const at = reasons.push(undefined) - 1;
    return (waitingFor) => {
      reasons[at] = waitingFor;
      const reason = reasons.find((each) => each !== undefined);
      if (reason === undefined) shared.moving();
      else shared.waiting(reason);
    };
  };
}

/** What a person has to know of an error that is waited out. */
export function reasonOf(error: unknown): string {
  if (error instanceof KafkaError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
