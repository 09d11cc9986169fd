import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { IncrementalSnapshot } from "../../../../../connectors/postgres/chunks/incremental-snapshot.js";
import { parseSettings } from "../../../../../connectors/postgres/config/settings.js";
import { ChangeEvents } from "../../../../../connectors/postgres/events/change-event.js";
import { LogicalMessages } from "../../../../../connectors/postgres/events/logical-message.js";
import { TransactionWalk } from "../../../../../connectors/postgres/events/transaction-walk.js";
import { Progress, planConfirmation } from "../../../../../connectors/postgres/position/progress.js";
import { planResume } from "../../../../../connectors/postgres/position/resume-point.js";
import { readOffset, sourcePartition, startOffset } from "../../../../../connectors/postgres/position/source-offset.js";
import { ColumnWarnings } from "../../../../../connectors/postgres/tables/column-warnings.js";
import { SourceBlocks } from "../../../../../connectors/postgres/tables/source-block.js";
import { TableFilter } from "../../../../../connectors/postgres/tables/table-filter.js";
import { TableSchema } from "../../../../../connectors/postgres/tables/table-schema.js";
import { idleConfirmation, type Lsn, NO_LSN } from "../../../../../connectors/postgres/wal/lsn.js";
import { PgoutputDecoder } from "../../../../../connectors/postgres/wal/pgoutput-decoder.js";
import type { SourceMap, SourceRecord, Struct } from "../../../../../src/api/index.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import * as bytes from "../pgoutput-bytes.js";

const settings = parseSettings({
  "topic.prefix": "shop",
  "database.hostname": "db",
  "database.user": "u",
  "database.dbname": "d",
  "skipped.operations": "none",
});
const int4 = { name: "int4", kind: "b", typmod: -1, labels: [], element: null, isDomain: false };
const column = (name: string) => ({ name, type: int4, isNullable: true, defaultExpression: null });
let tables: Map<number, TableSchema | "filtered">;

beforeAll(() => {
  const filter = new TableFilter(settings);
  const table = (name: string) =>
    new TableSchema(
      { oid: 1, schema: "public", table: name, columns: [column("id"), column("stamp")], keyColumns: ["id"] },
      settings,
      filter,
      new ColumnWarnings(silentLogger),
    );
  tables = new Map<number, TableSchema | "filtered">([
    [1, table("a")],
    [2, table("b")],
    [3, "filtered"],
  ]);
});

type ChangeKind = "insert" | "update" | "keyChange" | "delete" | "truncate" | "filtered" | "message";

interface Change {
  readonly kind: ChangeKind;
  /** Shares the position of the change before it, like rows of one COPY. */
  readonly sharesPosition: boolean;
}

/** A transaction in the WAL: the positions of its changes and its commit record. */
interface Transaction {
  readonly xid: number;
  readonly changes: readonly { readonly kind: ChangeKind; readonly lsn: number; readonly stamp: number }[];
  readonly commitStart: number;
  readonly commitEnd: number;
}

/** Writes transactions into one WAL, several open at a time, so that positions interleave. */
function layOut(plans: readonly (readonly Change[])[], picks: readonly number[]): Transaction[] {
  let position = 800;
  let stamp = 0;
  let pick = 0;
  const open = plans.map((changes, index) => ({
    xid: 100 + index,
    left: [...changes],
    done: [] as Transaction["changes"][number][],
  }));
  const committed: Transaction[] = [];
  while (open.length > 0) {
    const at = (picks[pick++ % picks.length] ?? 0) % Math.min(open.length, 3);
    const transaction = open[at]!;
    const change = transaction.left.shift();
    if (!change) {
      committed.push({
        xid: transaction.xid,
        changes: transaction.done,
        commitStart: position,
        commitEnd: position + 48,
      });
      position += 48;
      open.splice(at, 1);
      continue;
    }
    const last = transaction.done.at(-1);
    const shares = change.sharesPosition && last !== undefined && change.kind === "insert" && last.kind === "insert";
    if (!shares) position += 64;
    transaction.done.push({ kind: change.kind, lsn: shares ? last.lsn : position, stamp: ++stamp });
  }
  return committed;
}

/** The messages a server sends for START_REPLICATION at `start` on a slot confirmed at `confirmed`. */
function* serve(
  wal: readonly Transaction[],
  start: number,
  confirmed: number,
): Generator<{ lsn: number; message: Buffer }> {
  for (const { xid, changes, commitStart, commitEnd } of wal) {
    if (commitStart < Math.max(start, confirmed)) continue;
    yield { lsn: changes[0]?.lsn ?? commitStart, message: bytes.begin(commitStart, 1_700_000_000_000_000 + xid, xid) };
    for (const { kind, lsn, stamp } of changes) yield { lsn, message: messageOf(kind, stamp, lsn) };
    yield { lsn: commitEnd, message: bytes.commit(commitStart, commitEnd, 1_700_000_000_000_000 + xid) };
  }
}

function messageOf(kind: ChangeKind, stamp: number, lsn: number): Buffer {
  const row = [String(stamp), String(stamp)];
  switch (kind) {
    case "insert":
      return bytes.insert(1, row);
    case "update":
      return bytes.update(1, row);
    case "keyChange":
      return bytes.update(2, row, { kind: "K", before: [String(-stamp), null] });
    case "delete":
      return bytes.remove(1, "K", [String(stamp), null]);
    case "truncate":
      return bytes.truncate(1, 3, 2);
    case "filtered":
      return bytes.insert(3, row);
    case "message":
      return bytes.logicalMessage(true, lsn, "p", String(stamp));
  }
}

/** The number that identifies an event, or its position if it has none. */
function eventOf(record: SourceRecord): string {
  const { value } = record;
  if (value === null) return `tombstone ${(record.key as Struct).at(0)}`;
  const struct = value as Struct;
  const source = struct.get("source") as Struct;
  return `${record.topic} ${struct.get("op")} ${source.get("lsn")} ${(record.key as Struct | null)?.at(0)}`;
}

function newWalk(offset: SourceMap | null, fallback: number): { walk: TransactionWalk; startLsn: number } {
  const partition = sourcePartition("shop");
  const stored = offset === null ? null : readOffset(offset);
  const resume = planResume(stored, fallback as Lsn);
  const walk = new TransactionWalk({
    settings,
    relations: {
      get: (oid) => tables.get(oid),
      loosen: () => {
        throw new Error("No column is NOT NULL");
      },
    },
    events: new ChangeEvents({ partition, headers: [], tombstonesOnDelete: true }),
    sources: new SourceBlocks("shop", "d"),
    messages: new LogicalMessages("shop", settings.types),
    metadata: null,
    signalTable: null,
    incremental: new IncrementalSnapshot(null, silentLogger),
    inbox: { keys: {} },
    partition,
    resume,
    origin: { identity: { systemId: "7", timeline: 1 }, slotStart: fallback as Lsn },
    lastCommit: stored?.lsnCommit ?? null,
    offset: offset ?? startOffset(fallback as Lsn, 0, null),
  });
  return { walk, startLsn: resume.startLsn };
}

function walkAll(wal: readonly Transaction[], offset: SourceMap | null, confirmed: number): SourceRecord[] {
  const { walk, startLsn } = newWalk(offset, confirmed);
  const decoder = new PgoutputDecoder();
  const records: SourceRecord[] = [];
  for (const { lsn, message } of serve(wal, startLsn, confirmed))
    walk.take(decoder.decode(message, 0, message.length), lsn as Lsn, records);
  return records;
}

const change = fc.record({
  kind: fc.constantFrom<ChangeKind>(
    "insert",
    "insert",
    "insert",
    "update",
    "keyChange",
    "delete",
    "truncate",
    "filtered",
    "message",
  ),
  sharesPosition: fc.boolean(),
});
const plans = fc.array(fc.array(change, { maxLength: 6 }), { minLength: 1, maxLength: 6 });
const picks = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 30 });

test("resuming from any record's offset sends every later record", () => {
  fc.assert(
    fc.property(plans, picks, (transactions, order) => {
      const wal = layOut(transactions, order);
      const all = walkAll(wal, null, 0);
      for (const [index, record] of all.entries()) {
        const stored = JSON.parse(JSON.stringify(record.sourceOffset)) as SourceMap;
        const again = walkAll(wal, stored, 0).map(eventOf);
        const rest = all.slice(index + 1).map(eventOf);
        expect(again.slice(again.length - rest.length)).toEqual(rest);
        // Only an event whose last record was not stored is sent again.
        expect(again.length - rest.length).toBeLessThanOrEqual(2);
      }
    }),
    { numRuns: 100 },
  );
});

test("a crash at any state of stored, confirmed and walked positions loses no record", () => {
  fc.assert(
    fc.property(plans, picks, fc.array(fc.nat({ max: 40 }), { maxLength: 8 }), (transactions, order, lives) => {
      const wal = layOut(transactions, order);
      const all = walkAll(wal, null, 0).map(eventOf);
      let stored: SourceMap | null = null;
      let confirmed = 0;
      const durable: string[] = [];
      for (const life of [...lives, Number.POSITIVE_INFINITY]) {
        const { walk, startLsn } = newWalk(stored, confirmed);
        const progress = new Progress(stored);
        const decoder = new PgoutputDecoder();
        let acknowledged = 0;
        let steps = 0;
        for (const { lsn, message } of serve(wal, startLsn, confirmed)) {
          if (steps++ > life) break;
          const records: SourceRecord[] = [];
          walk.take(decoder.decode(message, 0, message.length), lsn as Lsn, records);
          if (records.length > 0) progress.handOver(walk.offset);
          // The worker acknowledges record by record, so it may crash in the middle of an event.
          for (const record of records) {
            if (acknowledged++ > life * 0.7) continue;
            durable.push(eventOf(record));
            stored = JSON.parse(JSON.stringify(record.sourceOffset)) as SourceMap;
            progress.store(stored);
          }
          const walked = walk.isInTransaction ? NO_LSN : walk.ended;
          const next = planConfirmation(progress.stored, progress.isSettled, walked);
          confirmed = Math.max(confirmed, next);
        }
      }
      expect([...new Set(durable)].sort()).toEqual([...new Set(all)].sort());
    }),
    { numRuns: 300 },
  );
});

test.each(["BEGIN", null])(
  "an offset whose last message was %s does not cover the change at its position",
  (messageType) => {
    const { walk } = newWalk({ lsn_proc: 860, lsn: 860, lsn_commit: 800, messageType, txId: 5, ts_usec: 1 }, 800);
    const decoder = new PgoutputDecoder();
    const records: SourceRecord[] = [];
    const take = (message: Buffer, lsn: number) =>
      walk.take(decoder.decode(message, 0, message.length), lsn as Lsn, records);
    take(bytes.begin(900, 1_700_000_000_000_000, 5), 860);
    take(bytes.insert(1, ["1", "2"]), 860);
    expect(records.map(eventOf)).toEqual([expect.stringMatching(/ c 860 1$/)]);
  },
);

test("a position confirmed on an idle source releases nothing written after it", () => {
  expect(idleConfirmation(1024 as Lsn)).toBe(1023);
  expect(idleConfirmation(1023 as Lsn)).toBe(1023);
  expect(idleConfirmation(NO_LSN)).toBe(0);
});

test("a record that is no event carries a position before which everything is finished", () => {
  const { walk } = newWalk(null, 800);
  const decoder = new PgoutputDecoder();
  const take = (message: Buffer, lsn: number) => walk.take(decoder.decode(message, 0, message.length), lsn as Lsn, []);
  take(bytes.begin(900, 1_700_000_000_000_000, 5), 860);
  const within = walk.offset;
  expect(walk.offsetAt(2000 as Lsn)).toBe(within);
  take(bytes.commit(900, 948, 1_700_000_000_000_000), 948);
  expect(walk.offsetAt(2000 as Lsn)).toEqual({
    lsn_proc: 2000,
    messageType: "COMMIT",
    lsn_commit: 2000,
    lsn: 2000,
    txId: 5,
    ts_usec: 1_700_000_000_000_000,
    system_id: "7",
    timeline: 1,
  });
});

test("a record that is no event never moves the offset back: the server first resends events handed over", () => {
  const stored: SourceMap = { lsn_proc: 900, messageType: "INSERT", lsn_commit: 1000, lsn: 900, txId: 5, ts_usec: 9 };
  const { walk } = newWalk(stored, 800);
  for (const position of [0, 800, 900, 950, 1000]) expect(walk.offsetAt(position as Lsn)).toBe(stored);
  expect(walk.offsetAt(1008 as Lsn)).toEqual({
    lsn_proc: 1008,
    messageType: "COMMIT",
    lsn_commit: 1008,
    lsn: 1008,
    txId: 5,
    ts_usec: 9,
    system_id: "7",
    timeline: 1,
  });
  const snapshot: SourceMap = { lsn: 800, ts_usec: 7, snapshot: "INITIAL", snapshot_completed: true };
  expect(newWalk(snapshot, 800).walk.offsetAt(800 as Lsn)).toBe(snapshot);
});
