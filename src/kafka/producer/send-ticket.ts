import { deferred } from "../../base/deferred.js";
import type { RecordMetadata } from "../client/producer.js";

/** The outcome of one `Producer.send`: resolves once all its records are acknowledged. */
export class SendTicket {
  readonly #done = deferred<RecordMetadata[]>();
  readonly #positions: RecordMetadata[];
  #open: number;
  #error: Error | undefined;

  constructor(count: number) {
    this.#open = count;
    this.#positions = new Array<RecordMetadata>(count);
    if (count === 0) this.#done.resolve([]);
  }

  get promise(): Promise<RecordMetadata[]> {
    return this.#done.promise;
  }

  /** Called once per record. The first error rejects the promise, once the outcome of every record is known. */
  settle(index: number, outcome: RecordMetadata | Error): void {
    if (outcome instanceof Error) this.#error ??= outcome;
    else this.#positions[index] = outcome;
    this.#open--;
    if (this.#open > 0) return;
    if (this.#error) this.#done.reject(this.#error);
    else this.#done.resolve(this.#positions);
  }
}

/** The token of one record of a ticket. */
export class SendSlot {
  constructor(
    private readonly ticket: SendTicket,
    private readonly index: number,
  ) {}

  acknowledged(topic: string, partition: number, offset: number): void {
    this.ticket.settle(this.index, { topic, partition, offset });
  }

  failed(error: Error): void {
    this.ticket.settle(this.index, error);
  }
}
