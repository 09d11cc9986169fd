import type { Api } from "../../protocol/api.js";
import { initProducerId } from "../../protocol/apis/init-producer-id.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { Fields, InputOf, OutputOf } from "../../protocol/message-fields.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { retrying } from "../cluster/retry.js";

/** One life of a transactional id. A newer one has a higher epoch or another id, and fences this one. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: (error: KafkaError) => void;
}

/** Talks to the coordinator of one transactional id, which is looked up again after it moved or was lost. */
export class TransactionCoordinatorClient {
  #nodeId: number | undefined;

  constructor(
    readonly transactionalId: string,
    private readonly cluster: Cluster,
    private readonly lane: Lane,
  ) {}

  /**
   * Takes over the transactional id: its former producers are fenced, and the transaction that they left open is
   * aborted.
   *
   * @param transactionTimeoutMs the age at which the coordinator aborts a transaction.
   * @throws KafkaError that a retry does not heal, or the last one when the time is up or `signal` aborts.
   */
  takeOver(transactionTimeoutMs: number, options: CallOptions = {}): Promise<ProducerIdentity> {
    const { transactionalId } = this;
    const request = { transactionalId, transactionTimeoutMs, producerId: -1, producerEpoch: -1 };
    return this.retrying(options, async () => {
      const { errorCode, producerId, producerEpoch } = await this.send(initProducerId, request);
      const detail = `transaction.timeout.ms=${transactionTimeoutMs} is more than the brokers' transaction.max.timeout.ms allows: lower the one or raise the other`;
      const isTooLong = errorCode === ErrorCodes.INVALID_TRANSACTION_TIMEOUT;
      this.check(errorCode, `Taking over transactional id ${transactionalId}`, isTooLong ? detail : undefined);
      return { producerId, producerEpoch };
    });
  }

  /** Repeats `attempt` while it may succeed later: without limit unless `options` sets one. @throws its last error */
  retrying<T>({ timeoutMs, ...options }: CallOptions, attempt: () => Promise<T>): Promise<T> {
    return retrying(this.cluster, { timeoutMs: timeoutMs ?? Number.POSITIVE_INFINITY, ...options }, attempt);
  }

  /** One attempt. @throws KafkaError; the next attempt then looks the coordinator up again. */
  async send<Q extends Fields, S extends Fields>(api: Api<Q, S>, request: InputOf<Q>): Promise<OutputOf<S>> {
    try {
      this.#nodeId ??= await this.cluster.findCoordinator(this.transactionalId, "transactional id");
      return await this.lane.send(this.#nodeId, api, request);
    } catch (error) {
      this.#nodeId = undefined;
      throw error;
    }
  }

  /** Throws the error of a non-zero code. If the coordinator moved, the next attempt looks it up again. */
  check(code: number, context: string, detail?: string): void {
    if (code === ErrorCodes.NONE) return;
    if (code === ErrorCodes.NOT_COORDINATOR || code === ErrorCodes.COORDINATOR_NOT_AVAILABLE) this.#nodeId = undefined;
    throw new KafkaError(code, context, { detail: detail ?? null });
  }
}
