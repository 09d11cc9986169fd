import type { Producer, ProducerOptions } from "./producer.js";

export interface TransactionalProducerOptions extends ProducerOptions {
  readonly transactionalId: string;
}

/**
 * A producer whose records become visible together, to consumers with `isolation.level=read_committed`. Only one
 * producer with its transactional id can write at a time: `init` fences the others. It is used up by its first failure
 * of any record or call: everything later fails with that error, nothing of its transaction becomes visible, and
 * another producer must take its place.
 */
export interface TransactionalProducer<T> extends Producer<T> {
  /**
   * Takes over the transactional id, fencing its former producers and aborting what they left open. Waits while the
   * cluster is away. To be called once, before anything else.
   * @throws KafkaError of a refusal, or the last one when `signal` aborts.
   */
  init(signal?: AbortSignal): Promise<void>;
  /** Opens a transaction. Records can be appended only within one. */
  begin(): void;
  readonly inTransaction: boolean;
  /**
   * Waits until all records are acknowledged, and makes them visible.
   * @throws the error of the first record that failed, with nothing visible; KafkaError when the transaction has been
   *   fenced, has timed out, or is refused, with nothing visible; the last error when `signal` aborts, and then the
   *   outcome is not known.
   */
  commit(signal?: AbortSignal): Promise<void>;
  /** Ends the transaction with nothing visible. @throws KafkaError as `commit`; nothing becomes visible even then. */
  abort(signal?: AbortSignal): Promise<void>;
  /** As of any producer; aborts an open transaction first, within `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}
