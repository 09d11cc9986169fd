import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { ErrorName } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { MarkerWriter } from "./marker-writer.js";
import {
  type EndCommand,
  type InitCommand,
  isExpired,
  judgeTransactionData,
  type ProducerSession,
  planAdd,
  planCompletion,
  planEnd,
  planInit,
  planTimeout,
  type TransactionPlan,
} from "./plan-transaction.js";
import type { TransactionLog } from "./transaction-log.js";
import {
  isEnding,
  NONE,
  type TransactionPartitions,
  type TransactionState,
  type TransactionStatus,
} from "./transaction-state.js";

/** One transactional id. */
interface Entry {
  state: TransactionState;
  /** The offset after its last record in the log. */
  end: number;
  /** Set while the decided end of its transaction is carried out; resolves to the error if it could not be stored. */
  completing: Promise<ErrorName> | undefined;
  /** The partitions of that transaction that have their marker. */
  readonly marked: Set<string>;
}

/** The answer to a request about a transactional id: the session to use from now on. */
export interface SessionAnswer extends ProducerSession {
  readonly error: ErrorName;
  /** The status that the request has led to, before an end was carried out; undefined: it was refused. */
  readonly status: TransactionStatus | undefined;
}

export interface TransactionCoordinatorOptions {
  readonly log: TransactionLog;
  /** Creates the log's topic if it does not exist. Called before a new id is stored. */
  readonly createTopic: () => Promise<void>;
  readonly markers: MarkerWriter;
  /** Takes a producer id that was never used. */
  readonly takeProducerId: () => Promise<number>;
  /** The epoch of this start of the broker, for markers. */
  readonly epoch: number;
  readonly properties: BrokerProperties;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * All transactional ids of the broker, and the only writer of their records (KIP-98, KIP-890). What a request does is
 * planned by pure functions; the coordinator stores the planned state, and carries out a decided end: once the decision
 * is on disk it writes the markers, and once these are, the completion. Nothing is answered before it is as durable as the
 * broker promises. (I10)
 *
 * Unlike in Kafka a request that meets such an end waits for it, so that no producer has to ask again.
 */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #entries = new Map<string, Entry>();
  /** Producer ids that were taken and not used: a plan that needs one is made in one step. */
  readonly #spareIds: number[] = [];
  #closed = false;

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options;
  }

  /**
   * Rebuilds the ids from the log, and carries out what was decided before the last process ended. Called once, before
   * the first request and after the groups are loaded.
   */
  load(): void {
    this.#options.log.replay({
      record: ({ transactionalId, state }) => {
        if (state) this.#entries.set(transactionalId, entryOf(state));
        else this.#entries.delete(transactionalId);
      },
    });
    this.#resume();
  }

  /** InitProducerId: the session for a producer that takes over the id; all before it are fenced. */
  async init(command: InitCommand): Promise<SessionAnswer> {
    const { transactionalId } = command;
    const { clock, createTopic } = this.#options;
    try {
      if (!this.#entries.has(transactionalId)) await createTopic();
    } catch (cause) {
      return refusal(this.#faultOf(transactionalId, cause));
    }
    for (;;) {
      const plan = (current: TransactionState | undefined) =>
        planInit(current, command, clock.nowMs(), () => this.#spareIds.pop()!);
      const answer = await this.#run(transactionalId, plan);
      // An open transaction was aborted, with an epoch that no producer receives.
      if (answer.status !== "PrepareAbort") return answer;
    }
  }

  /** AddPartitionsToTxn and AddOffsetsToTxn. Resolves to an error, or NONE. */
  async add(transactionalId: string, session: ProducerSession, partitions: TransactionPartitions): Promise<ErrorName> {
    const nowMs = this.#options.clock.nowMs();
    const plan = (current: TransactionState | undefined) => planAdd(current, session, partitions, 1, nowMs);
    return (await this.#run(transactionalId, plan)).error;
  }

  /** EndTxn. Its outcome is decided and on disk when this resolves, and all markers are, unless a log is offline. */
  end(transactionalId: string, command: EndCommand): Promise<SessionAnswer> {
    const { clock } = this.#options;
    const plan = (current: TransactionState | undefined) =>
      planEnd(current, command, clock.nowMs(), () => this.#spareIds.pop()!);
    return this.#run(transactionalId, plan);
  }

  /**
   * Prepares for data of a transaction: adds its partitions if `isImplicit`, and waits until they are stored, so that
   * no crash leaves data of which the coordinator knows nothing. Returns an error, or NONE. The data is judged again by
   * `judge`, in one step with its append.
   */
  admit(
    transactionalId: string,
    session: ProducerSession,
    partitions: TransactionPartitions,
    isImplicit: boolean,
  ): ErrorName | Promise<ErrorName> {
    const refused = this.#unusable(transactionalId);
    if (refused !== undefined) return refused;
    const entry = this.#entries.get(transactionalId);
    if (entry?.completing) {
      return entry.completing.then(() => this.admit(transactionalId, session, partitions, isImplicit));
    }
    if (!isImplicit) {
      const error = judgeTransactionData(entry?.state, session, partitions);
      if (error) return error;
    } else {
      const plan = planAdd(entry?.state, session, partitions, 2, this.#options.clock.nowMs());
      if (plan.kind === "refuse") return plan.error;
      const failed = plan.kind === "move" ? this.#tryStore(plan.next) : undefined;
      if (failed !== undefined) return failed;
    }
    return this.#settled(transactionalId, entry!.end) ?? "NONE";
  }

  /** Judges data of a transaction that was admitted. Returns an error, or NONE. Called in one step with its append. */
  judge(transactionalId: string, session: ProducerSession, partitions: TransactionPartitions): ErrorName {
    const refused = this.#unusable(transactionalId);
    if (refused !== undefined) return refused;
    return judgeTransactionData(this.#entries.get(transactionalId)?.state, session, partitions) ?? "NONE";
  }

  /** The state of an id; undefined when there is none. */
  describe(transactionalId: string): TransactionState | undefined {
    return this.#entries.get(transactionalId)?.state;
  }

  list(): TransactionState[] {
    return [...this.#entries.values()].map(({ state }) => state);
  }

  /** Why an id cannot be served; undefined: it can. */
  fault(transactionalId: string): ErrorName | undefined {
    return this.#unusable(transactionalId);
  }

  /**
   * Aborts transactions that are older than their timeout, and repeats ends that could not be carried out. Resolves when
   * that is done. Called by the broker's maintenance.
   */
  async tend(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    for (const [transactionalId, { state, completing }] of this.#entries) {
      const plan = planTimeout(state, nowMs);
      if (completing || plan.kind !== "move" || this.#unusable(transactionalId) !== undefined) continue;
      const { timeoutMs } = state;
      this.#options.logger.info("Aborted a transaction that took too long", { transactionalId, timeoutMs });
      this.#tryStore(plan.next);
    }
    this.#resume();
    await this.#allCompleted();
  }

  /** Forgets ids that were not used for long. Called by the broker's maintenance. */
  expire(): void {
    const { clock, properties, log, logger } = this.#options;
    const nowMs = clock.nowMs();
    const expirationMs = properties.number("transactional.id.expiration.ms");
    for (const [transactionalId, { state, completing }] of this.#entries) {
      if (completing || !isExpired(state, nowMs, expirationMs)) continue;
      try {
        log.append(transactionalId, [{ transactionalId, state: null }], nowMs);
        this.#entries.delete(transactionalId);
      } catch (cause) {
        logger.error("Forgetting a transactional id failed and will be tried again", { transactionalId }, cause);
      }
    }
  }

  /** Refuses further requests. Resolves once the ends under way are carried out; a crash does not wait for that. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#allCompleted();
  }

  /** Plans and carries out what a request does, once an end under way is carried out. */
  async #run(
    transactionalId: string,
    plan: (current: TransactionState | undefined) => TransactionPlan,
  ): Promise<SessionAnswer> {
    for (;;) {
      const refused = this.#unusable(transactionalId);
      if (refused !== undefined) return refusal(refused);
      const { completing } = this.#entries.get(transactionalId) ?? {};
      if (completing) await completing;
      else if (this.#spareIds.length > 0) break;
      else {
        const failed = await this.#takeSpareId(transactionalId);
        if (failed !== undefined) return refusal(failed);
      }
    }
    const step = plan(this.#entries.get(transactionalId)?.state);
    if (step.kind === "refuse") return refusal(step.error);
    const failed = step.kind === "move" ? this.#tryStore(step.next) : undefined;
    if (failed !== undefined) return refusal(failed);
    const entry = this.#entries.get(transactionalId)!;
    // Of two requests the later one must not change the answer of the earlier one.
    const { state } = entry;
    if (isEnding(state)) this.#complete(entry);
    const error = (await (entry.completing ?? this.#settled(transactionalId, entry.end))) ?? "NONE";
    return error === "NONE" ? { error, status: state.status, ...sessionAfter(state) } : refusal(error);
  }

  async #takeSpareId(transactionalId: string): Promise<ErrorName | undefined> {
    try {
      this.#spareIds.push(await this.#options.takeProducerId());
      return undefined;
    } catch (cause) {
      return this.#faultOf(transactionalId, cause);
    }
  }

  #unusable(transactionalId: string): ErrorName | undefined {
    if (this.#closed) return "COORDINATOR_NOT_AVAILABLE";
    return this.#options.log.serves(transactionalId) ? undefined : "NOT_COORDINATOR";
  }

  /** Stores a state. Returns an error, with which nothing has changed. */
  #tryStore(state: TransactionState): ErrorName | undefined {
    try {
      this.#store(state);
      return undefined;
    } catch (cause) {
      return this.#faultOf(state.transactionalId, cause);
    }
  }

  #store(state: TransactionState): void {
    const { transactionalId } = state;
    const end =
      this.#options.log.append(transactionalId, [{ transactionalId, state }], this.#options.clock.nowMs()) + 1;
    const entry = this.#entries.get(transactionalId);
    if (entry) Object.assign(entry, { state, end });
    else this.#entries.set(transactionalId, { ...entryOf(state), end });
  }

  /** Begins to carry out the ends that are decided. */
  #resume(): void {
    for (const entry of this.#entries.values()) if (isEnding(entry.state)) this.#complete(entry);
  }

  #complete(entry: Entry): void {
    entry.completing ??= this.#carryOut(entry).finally(() => {
      entry.completing = undefined;
    });
  }

  async #carryOut(entry: Entry): Promise<ErrorName> {
    const { transactionalId } = entry.state;
    // A marker must not be on disk before the decision: another partition could come to the opposite end.
    const error = (await this.#settled(transactionalId, entry.end)) ?? "NONE";
    if (error !== "NONE") return error;
    try {
      await this.#mark(entry);
      this.#store(planCompletion(entry.state, this.#options.clock.nowMs()));
      entry.marked.clear();
    } catch (cause) {
      const text = "A transaction is decided, but not ended in all of its partitions; that is tried again";
      this.#options.logger.error(text, { transactionalId, state: entry.state.status }, cause);
    }
    return "NONE";
  }

  /** Writes the markers that are missing. @throws rejects with the first error, after all were tried. */
  async #mark({ state, marked }: Entry): Promise<void> {
    const { producerId, producerEpoch, status } = state;
    const kind = status === "PrepareCommit" ? "COMMIT" : "ABORT";
    const marker = { producerId, producerEpoch, kind, coordinatorEpoch: this.#options.epoch } as const;
    const writeOne = async (topic: string, partition: number) => {
      await this.#options.markers.write(topic, partition, marker);
      marked.add(`${partition} ${topic}`);
    };
    const writes: Promise<void>[] = [];
    for (const [topic, partitions] of state.partitions) {
      for (const partition of partitions) {
        if (!marked.has(`${partition} ${topic}`)) writes.push(writeOne(topic, partition));
      }
    }
    for (const result of await Promise.allSettled(writes)) if (result.status === "rejected") throw result.reason;
  }

  async #allCompleted(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ completing }) => completing));
  }

  /** Resolves to an error, or NONE once the log is durable up to `end`; undefined: it is. */
  #settled(transactionalId: string, end: number): Promise<ErrorName> | undefined {
    return this.#options.log.settled(transactionalId, end)?.then(
      () => "NONE" as const,
      (cause: unknown) => this.#faultOf(transactionalId, cause),
    );
  }

  #faultOf(transactionalId: string, cause: unknown): ErrorName {
    this.#options.logger.error("Could not write to the transactions topic", { transactionalId }, cause);
    return cause instanceof KafkaError ? "COORDINATOR_NOT_AVAILABLE" : "UNKNOWN_SERVER_ERROR";
  }
}

function entryOf(state: TransactionState): Entry {
  return { state, end: 0, completing: undefined, marked: new Set() };
}

/** The session that a producer uses after a request: the one to come, if its ids are used up. */
function sessionAfter({ producerId, producerEpoch, nextProducerId }: TransactionState): ProducerSession {
  return nextProducerId === NONE ? { producerId, producerEpoch } : { producerId: nextProducerId, producerEpoch: 0 };
}

function refusal(error: ErrorName): SessionAnswer {
  return { error, status: undefined, producerId: NONE, producerEpoch: NONE };
}
