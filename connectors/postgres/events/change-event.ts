import {
  ArrayStruct,
  type ConnectValue,
  type Header,
  type SourceMap,
  SourceRecord,
  STRING,
  Struct,
} from "../../../src/api/index.js";
import type { EventTime } from "../tables/source-block.js";
import type { TableSchema } from "../tables/table-schema.js";

/** The parts that all records of a connector share. */
export interface EventContext {
  readonly partition: SourceMap;
  /** For every row event, one shared list. */
  readonly headers: readonly Header[];
  readonly tombstonesOnDelete: boolean;
}

/** Debezium's context headers: the connector, task and run that made an event. */
export function contextHeaders(topicPrefix: string, taskId: number, runId: string): readonly Header[] {
  const header = (key: string, value: string): Header => ({ key: `__debezium.context.${key}`, schema: STRING, value });
  return [
    header("connectorLogicalName", topicPrefix),
    header("taskId", String(taskId)),
    header("connectorName", "postgresql"),
    header("runId", runId),
  ];
}

/**
 * Makes the records of change events. One event may be several records, and a crash may fall between two of them. So
 * all but the last carry `previous`, the offset before the event: resuming there sends the whole event again.
 */
export class ChangeEvents {
  readonly #context: EventContext;
  /** The time of the events; read once per batch. */
  now: EventTime = { ms: 0, us: 0, ns: 0n };
  /** Makes the `transaction` block of a streamed event of a table; null: there is none. */
  block: ((table: TableSchema) => Struct | null) | null = null;

  constructor(context: EventContext) {
    this.#context = context;
  }

  /** A row that was read (r), created (c) or updated with the same key (u), or a truncate (t). */
  row(
    table: TableSchema,
    op: "r" | "c" | "u" | "t",
    key: Struct | null,
    before: ConnectValue[] | null,
    after: ConnectValue[] | null,
    source: Struct,
    offset: SourceMap,
    headers: readonly Header[] = this.#context.headers,
  ): SourceRecord {
    return this.#record(table, op, key, before, after, source, offset, headers);
  }

  /** A deleted row, and its tombstone if `tombstones.on.delete` is set. */
  delete(
    into: SourceRecord[],
    table: TableSchema,
    key: Struct | null,
    before: ConnectValue[] | null,
    source: Struct,
    previous: SourceMap,
    offset: SourceMap,
    headers: readonly Header[] = this.#context.headers,
  ): void {
    // A tombstone without a key has no meaning.
    const hasTombstone = this.#context.tombstonesOnDelete && key !== null;
    into.push(this.#record(table, "d", key, before, null, source, hasTombstone ? previous : offset, headers));
    if (!hasTombstone) return;
    const { partition } = this.#context;
    into.push(new SourceRecord(partition, offset, table.topic, null, table.keySchema, key, null, null, null, headers));
  }

  /** An update that changed the key: a delete of the old key and a create of the new one, each naming the other. */
  keyChange(
    into: SourceRecord[],
    table: TableSchema,
    oldKey: Struct,
    newKey: Struct,
    before: ConnectValue[],
    after: ConnectValue[],
    source: Struct,
    previous: SourceMap,
    offset: SourceMap,
  ): void {
    const { headers } = this.#context;
    const { keySchema } = table;
    const newKeyHeader = { key: "__debezium.newkey", schema: keySchema, value: newKey };
    const oldKeyHeader = { key: "__debezium.oldkey", schema: keySchema, value: oldKey };
    this.delete(into, table, oldKey, before, source, previous, previous, [newKeyHeader, ...headers]);
    into.push(this.#record(table, "c", newKey, null, after, source, offset, [oldKeyHeader, ...headers]));
  }

  #record(
    table: TableSchema,
    op: string,
    key: Struct | null,
    before: ConnectValue[] | null,
    after: ConnectValue[] | null,
    source: Struct,
    offset: SourceMap,
    headers: readonly Header[],
  ): SourceRecord {
    const { now } = this;
    const envelope = new ArrayStruct(table.envelopeSchema, [
      before === null ? null : new ArrayStruct(table.rowSchema, before),
      after === null ? null : new ArrayStruct(table.rowSchema, after),
      source,
      this.block === null || op === "r" ? null : this.block(table),
      op,
      now.ms,
      now.us,
      now.ns,
    ]);
    return new SourceRecord(
      this.#context.partition,
      offset,
      table.topic,
      null,
      // A truncate has no row, so neither key nor key schema.
      op === "t" ? null : table.keySchema,
      key,
      table.envelopeSchema,
      envelope,
      null,
      headers,
    );
  }
}

/** Whether two rows or keys of one schema hold the same values. */
export function sameValues(left: readonly ConnectValue[], right: readonly ConnectValue[]): boolean {
  return left.every((value, index) => sameValue(value, right[index] ?? null));
}

/** Whether two structs of one schema hold the same values. */
export function sameStructs(left: Struct, right: Struct): boolean {
  return left.schema.fields.every(({ index }) => sameValue(left.at(index), right.at(index)));
}

function sameValue(left: ConnectValue, right: ConnectValue): boolean {
  if (left === right) return true;
  if (Buffer.isBuffer(left)) return Buffer.isBuffer(right) && left.equals(right);
  if (left instanceof Struct) return right instanceof Struct && sameStructs(left, right);
  if (Array.isArray(left)) return Array.isArray(right) && left.length === right.length && sameValues(left, right);
  if (left instanceof Map) {
    if (!(right instanceof Map) || left.size !== right.size) return false;
    for (const [key, value] of left) if (!right.has(key) || !sameValue(value, right.get(key))) return false;
    return true;
  }
  return Number.isNaN(left) && Number.isNaN(right);
}
