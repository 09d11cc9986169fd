import { addPartitionsToTxn } from "../../../../src/protocol/apis/add-partitions-to-txn.js";
import { endTxn } from "../../../../src/protocol/apis/end-txn.js";
import { findCoordinator } from "../../../../src/protocol/apis/find-coordinator.js";
import { initProducerId } from "../../../../src/protocol/apis/init-producer-id.js";
import { produce } from "../../../../src/protocol/apis/produce.js";
import { ErrorCodes, type ErrorName } from "../../../../src/protocol/error-codes.js";
import { isTransactional, readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../../src/protocol/records/record-batch-reader.js";
import { sequenceAfter } from "../../../../src/protocol/records/sequence.js";
import type { ScriptedBroker } from "../scripted-broker.js";

interface IdState {
  producerId: number;
  epoch: number;
  state: "Empty" | "Ongoing" | "Preparing" | "CompleteCommit" | "CompleteAbort";
  partitions: Set<string>;
  timeoutMs: number;
  /** The transaction that is open, or the last one: a timer of an older one has no effect. */
  number: number;
}

interface Written {
  readonly producerId: number;
  readonly values: readonly string[];
  outcome: "open" | "committed" | "aborted";
}

interface LastBatch {
  epoch: number;
  base: number;
  next: number;
}

/**
 * The transaction coordinator of a scripted broker, and the checks of transactional batches, as Kafka 4.3 makes them of
 * clients that add their partitions themselves (KIP-98, KIP-890's verification): fencing by epoch, time-outs, sequences,
 * and the pause in which markers are written.
 */
export class FakeTransactions {
  /** How long a transaction that was ended answers CONCURRENT_TRANSACTIONS. */
  markersMs = 5;
  /** Partitions that the client is not authorized for. */
  readonly denied = new Set<string>();
  /** Partitions that the client knows, and the coordinator no longer does. */
  readonly deleted = new Set<string>();
  readonly #ids = new Map<string, IdState>();
  readonly #written = new Map<string, Written[]>();
  readonly #last = new Map<string, LastBatch>();
  #nextProducerId = 1000;

  constructor(private readonly broker: ScriptedBroker) {
    broker.on(findCoordinator, ({ keyType }) => {
      if (keyType !== 1) throw new Error("a group's coordinator was asked for");
      return { errorCode: 0, nodeId: broker.coordinator, host: "node", port: 1000 + broker.coordinator };
    });
    broker.on(initProducerId, (request, node) => ({ throttleTimeMs: 0, ...this.#init(request, node) }));
    broker.on(addPartitionsToTxn, (request, node) => this.#add(request, node));
    broker.on(endTxn, (request, node) => ({ throttleTimeMs: 0, errorCode: this.#end(request, node) }));
    broker.on(produce, (request) => this.#produce(request));
  }

  /** What a consumer with isolation.level=read_committed reads: nothing at or after the first open transaction. */
  committed(topicPartition: string): string[] {
    const written = this.#written.get(topicPartition) ?? [];
    const open = written.findIndex(({ outcome }) => outcome === "open");
    return (open < 0 ? written : written.slice(0, open))
      .filter(({ outcome }) => outcome === "committed")
      .flatMap(({ values }) => values);
  }

  /** The state of a transactional id, as kafka-transactions shows it. */
  state(id: string): IdState["state"] | undefined {
    return this.#ids.get(id)?.state;
  }

  #init(request: { transactionalId: string | null; transactionTimeoutMs: number; producerId: number }, node: number) {
    const refused = (name: ErrorName) => ({ errorCode: ErrorCodes[name], producerId: -1, producerEpoch: -1 });
    if (node !== this.broker.coordinator) return refused("NOT_COORDINATOR");
    const { transactionalId, transactionTimeoutMs, producerId } = request;
    if (transactionalId === null || producerId !== -1) throw new Error("not asked for here");
    if (transactionTimeoutMs > 900_000) return refused("INVALID_TRANSACTION_TIMEOUT");
    const known = this.#ids.get(transactionalId);
    if (!known) {
      const state: IdState = {
        producerId: this.#nextProducerId++,
        epoch: 0,
        state: "Empty",
        partitions: new Set(),
        timeoutMs: transactionTimeoutMs,
        number: 0,
      };
      this.#ids.set(transactionalId, state);
      return { errorCode: 0, producerId: state.producerId, producerEpoch: 0 };
    }
    if (known.state === "Preparing") return refused("CONCURRENT_TRANSACTIONS");
    known.epoch++;
    if (known.state === "Ongoing") {
      this.#finish(known, false);
      return refused("CONCURRENT_TRANSACTIONS");
    }
    known.state = "Empty";
    known.timeoutMs = transactionTimeoutMs;
    return { errorCode: 0, producerId: known.producerId, producerEpoch: known.epoch };
  }

  #add(
    request: {
      transactionalId: string;
      producerId: number;
      producerEpoch: number;
      topics: readonly { name: string; partitions: readonly number[] }[];
    },
    node: number,
  ) {
    const known = this.#ids.get(request.transactionalId);
    const fault = (topic: string, partition: number): ErrorName | undefined => {
      if (this.denied.has(`${topic}-${partition}`)) return "TOPIC_AUTHORIZATION_FAILED";
      if (this.deleted.has(`${topic}-${partition}`)) return "UNKNOWN_TOPIC_OR_PARTITION";
      return partition < (this.broker.topics.get(topic) ?? 0) ? undefined : "UNKNOWN_TOPIC_OR_PARTITION";
    };
    const isFaulty = request.topics.some(({ name, partitions }) => partitions.some((each) => fault(name, each)));
    let code: number = this.#judge(known, request, node);
    if (code === 0 && isFaulty) code = ErrorCodes.OPERATION_NOT_ATTEMPTED;
    if (known && code === 0) {
      if (known.state !== "Ongoing") this.#open(known);
      for (const { name, partitions } of request.topics) {
        for (const partition of partitions) known.partitions.add(`${name}-${partition}`);
      }
    }
    const results = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        errorCode: ErrorCodes[fault(name, partitionIndex) ?? "NONE"] || code,
      })),
    }));
    return { throttleTimeMs: 0, results };
  }

  #end(
    request: { transactionalId: string; producerId: number; producerEpoch: number; committed: boolean },
    node: number,
  ): number {
    const known = this.#ids.get(request.transactionalId);
    const code = this.#judge(known, request, node);
    if (code !== 0 || !known) return code;
    switch (known.state) {
      case "Ongoing":
        this.#finish(known, request.committed);
        return 0;
      case "CompleteCommit":
        return request.committed ? 0 : ErrorCodes.INVALID_TXN_STATE;
      case "CompleteAbort":
        return request.committed ? ErrorCodes.INVALID_TXN_STATE : 0;
      default:
        return ErrorCodes.INVALID_TXN_STATE;
    }
  }

  #judge(
    known: IdState | undefined,
    { producerId, producerEpoch }: { producerId: number; producerEpoch: number },
    node: number,
  ): number {
    if (node !== this.broker.coordinator) return ErrorCodes.NOT_COORDINATOR;
    if (!known || known.producerId !== producerId) return ErrorCodes.INVALID_PRODUCER_ID_MAPPING;
    if (known.epoch !== producerEpoch) return ErrorCodes.PRODUCER_FENCED;
    return known.state === "Preparing" ? ErrorCodes.CONCURRENT_TRANSACTIONS : 0;
  }

  #open(known: IdState): void {
    known.state = "Ongoing";
    known.partitions.clear();
    const number = ++known.number;
    this.broker.clock.schedule(known.timeoutMs, () => {
      if (known.number !== number || known.state !== "Ongoing") return;
      known.epoch++;
      this.#finish(known, false);
    });
  }

  #finish(known: IdState, committed: boolean): void {
    known.state = "Preparing";
    this.broker.clock.schedule(this.markersMs, () => {
      for (const key of known.partitions) {
        for (const each of this.#written.get(key) ?? []) {
          if (each.producerId === known.producerId && each.outcome === "open")
            each.outcome = committed ? "committed" : "aborted";
        }
        const last = this.#last.get(`${key} ${known.producerId}`);
        if (last && known.epoch > last.epoch)
          this.#last.set(`${key} ${known.producerId}`, { epoch: known.epoch, base: -1, next: 0 });
      }
      known.state = committed ? "CompleteCommit" : "CompleteAbort";
    });
  }

  #produce({
    transactionalId,
    acks,
    topicData,
  }: {
    transactionalId: string | null;
    acks: number;
    topicData: readonly { name: string; partitionData: readonly { index: number; records: Buffer | null }[] }[];
  }) {
    if (acks !== -1) throw new Error(`acks=${acks} in a transaction`);
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index, records }) => ({
        index,
        ...this.#append(transactionalId, `${name}-${index}`, records!),
      })),
    }));
    return { responses, throttleTimeMs: 0 };
  }

  #append(transactionalId: string | null, key: string, records: Buffer): { errorCode: number; baseOffset: number } {
    const refused = (name: ErrorName) => ({ errorCode: ErrorCodes[name], baseOffset: -1 });
    const header = readBatchHeader(records);
    const { producerId, producerEpoch, baseSequence, lastOffsetDelta } = header;
    const known = this.#ids.get(transactionalId ?? "");
    if (!known || !isTransactional(header)) return refused("INVALID_RECORD");
    if (records.length > this.broker.maxMessageBytes) return refused("MESSAGE_TOO_LARGE");
    const id = `${key} ${producerId}`;
    const last = this.#last.get(id) ?? { epoch: -1, base: -1, next: 0 };
    if (producerEpoch < last.epoch) return refused("INVALID_PRODUCER_EPOCH");
    if (producerEpoch === last.epoch && baseSequence === last.base) return { errorCode: 0, baseOffset: 0 };
    if (known.producerId !== producerId) return refused("INVALID_PRODUCER_ID_MAPPING");
    if (known.epoch !== producerEpoch) return refused("INVALID_PRODUCER_EPOCH");
    if (known.state === "Preparing") return refused("NOT_ENOUGH_REPLICAS");
    if (known.state !== "Ongoing" || !known.partitions.has(key)) return refused("INVALID_TXN_STATE");
    const expected = producerEpoch === last.epoch ? last.next : 0;
    if (baseSequence !== expected) return refused("OUT_OF_ORDER_SEQUENCE_NUMBER");
    this.#last.set(id, {
      epoch: producerEpoch,
      base: baseSequence,
      next: sequenceAfter(baseSequence, lastOffsetDelta + 1),
    });
    const written = this.#written.get(key) ?? [];
    this.#written.set(key, written);
    const values = readRecords(records).map(({ value }) => value?.toString() ?? "");
    written.push({ producerId, values, outcome: "open" });
    const baseOffset = this.broker.end(key);
    this.broker.store(key, records);
    return { errorCode: 0, baseOffset };
  }
}
