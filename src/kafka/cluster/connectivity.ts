import { KafkaError } from "../../protocol/kafka-error.js";
import type { OnConnectivity } from "../client/client-options.js";

/** Reports the reason for waiting, on changes only. */
export class Connectivity {
  #waitingFor: string | undefined;

  constructor(private readonly listener: OnConnectivity | undefined) {}

  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /** No progress, for this reason. */
  waiting(reason: string): void {
    this.#set(reason);
  }

  /** Progress (again). */
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
 * Combines several reporters for one listener, which receives the reason of the first that waits, and `undefined` once
 * none does. Each call of the returned function creates a reporter.
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

/** The text for users of an error that is being retried. */
export function reasonOf(error: unknown): string {
  if (error instanceof KafkaError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
