import type { OnConnectivity } from "./kafka-client.js";

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

/** The innermost message of an error: what a person has to know, without the layers. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
