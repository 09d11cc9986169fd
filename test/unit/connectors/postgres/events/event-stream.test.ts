import { expect, test } from "vitest";
import { IncrementalSnapshot } from "../../../../../connectors/postgres/chunks/incremental-snapshot.js";
import { RowPace } from "../../../../../connectors/postgres/chunks/row-pace.js";
import { SnapshotProgress } from "../../../../../connectors/postgres/chunks/snapshot-progress.js";
import { parseSettings } from "../../../../../connectors/postgres/config/settings.js";
import { ChangeEvents } from "../../../../../connectors/postgres/events/change-event.js";
import { EventStream } from "../../../../../connectors/postgres/events/event-stream.js";
import { Heartbeat } from "../../../../../connectors/postgres/events/heartbeat.js";
import { LogicalMessages } from "../../../../../connectors/postgres/events/logical-message.js";
import { SignalDesk } from "../../../../../connectors/postgres/events/signal-desk.js";
import { TransactionWalk } from "../../../../../connectors/postgres/events/transaction-walk.js";
import { IncrementalNotifications } from "../../../../../connectors/postgres/notifications/incremental-notifications.js";
import { Notifications } from "../../../../../connectors/postgres/notifications/notifications.js";
import { Progress } from "../../../../../connectors/postgres/position/progress.js";
import { planResume } from "../../../../../connectors/postgres/position/resume-point.js";
import { readOffset, sourcePartition } from "../../../../../connectors/postgres/position/source-offset.js";
import { SignalInbox } from "../../../../../connectors/postgres/signals/signal-inbox.js";
import { ColumnWarnings } from "../../../../../connectors/postgres/tables/column-warnings.js";
import { SourceBlocks } from "../../../../../connectors/postgres/tables/source-block.js";
import { TableFilter } from "../../../../../connectors/postgres/tables/table-filter.js";
import { TableSchema } from "../../../../../connectors/postgres/tables/table-schema.js";
import { idleConfirmation, type Lsn } from "../../../../../connectors/postgres/wal/lsn.js";
import type { WalMessage } from "../../../../../connectors/postgres/wal/replication-stream.js";
import type { Props, SourceMap } from "../../../../../src/api/index.js";
import { SimClock } from "../../../../../src/base/clock.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import { SeededRandom } from "../../../../../src/base/random.js";
import * as bytes from "../pgoutput-bytes.js";

const PROPS = {
  "topic.prefix": "shop",
  "database.hostname": "db",
  "database.user": "u",
  "database.dbname": "d",
  "signal.data.collection": "public.signals",
};
const text = { name: "text", kind: "b", typmod: -1, labels: [], element: null, isDomain: false };
const column = (name: string) => ({ name, type: text, isNullable: true, defaultExpression: null });
/** Stored before the signal: the source was quiet. */
const STORED: SourceMap = { lsn_proc: 848, messageType: "INSERT", lsn_commit: 800, lsn: 848, txId: 4, ts_usec: 1 };

/** A stream of one transaction that ends at 1112, and inserts a signal for a snapshot of public.a. */
function streamOfSignal(type: string, more: Props = {}) {
  const settings = parseSettings({ ...PROPS, ...more });
  const clock = new SimClock();
  const partition = sourcePartition("shop");
  const signals = new TableSchema(
    { oid: 1, schema: "public", table: "signals", columns: ["id", "type", "data"].map(column), keyColumns: ["id"] },
    settings,
    new TableFilter(settings),
    new ColumnWarnings(silentLogger),
  );
  const progress = new Progress(STORED);
  const events = new ChangeEvents({ partition, headers: [], tombstonesOnDelete: true });
  const incremental = new IncrementalSnapshot(STORED, silentLogger);
  const inbox = new SignalInbox({
    channels: [],
    stored: null,
    pollMs: 1000,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    stopping: new AbortController().signal,
  });
  const notifications = new Notifications({
    settings: settings.notifications,
    connectorName: "shop",
    partition,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  });
  const walk = new TransactionWalk({
    settings,
    relations: { get: () => signals, loosen: () => signals },
    events,
    sources: new SourceBlocks("shop", "d"),
    messages: new LogicalMessages("shop", settings.types),
    metadata: null,
    signalTable: settings.signalTable,
    incremental,
    inbox,
    partition,
    resume: planResume(readOffset(STORED), 800 as Lsn),
    origin: { identity: { systemId: "7", timeline: 1 }, slotStart: 800 as Lsn },
    lastCommit: 800 as Lsn,
    offset: STORED,
  });
  const wal: [number, Buffer][] = [
    [1000, bytes.begin(1064, 1_700_000_000_000_000, 9)],
    [1000, bytes.insert(1, ["s1", "execute-snapshot", JSON.stringify({ "data-collections": ["public.a"], type })])],
    [1112, bytes.commit(1064, 1112, 1_700_000_000_000_000)],
  ];
  const confirmed: number[] = [];
  const stopping = new AbortController();
  const stream = {
    shown: 0 as Lsn,
    next(): WalMessage | null {
      const next = wal.shift();
      return next ? { lsn: next[0] as Lsn, bytes: next[1], start: 0, end: next[1].length } : null;
    },
    confirm: (lsn: Lsn) => void confirmed.push(lsn),
    /** Everything was walked. */
    readable: async () => stopping.abort(),
    woken: 0,
    wake: () => void stream.woken++,
    asked: 0,
    requestPosition: () => void stream.asked++,
    close: () => undefined,
  };
  const empty = {
    rows: [],
    schemaName: "public",
    tableName: "a",
    keyColumns: ["id"],
    order: ["id integer"],
    highLsn: 5000,
    lastKey: [],
    maximumKey: [],
    isLast: true,
  };
  const desk = new SignalDesk({
    incremental,
    inbox,
    walk,
    stream,
    events,
    notes: new IncrementalNotifications(notifications),
    tables: async () => [{ schema: "public", table: "a", oid: 2, isPartitioned: false, ancestors: [] }],
    // The window stays open: the stream has not passed the chunk yet.
    reader: async () => ({ read: async () => empty }) as never,
    release: () => undefined,
    progress: new SnapshotProgress(clock, silentLogger),
    pace: new RowPace(0),
    pass: () => undefined,
    clock,
    logger: silentLogger,
  });
  const eventStream = new EventStream({
    stream: stream as never,
    walk,
    relations: {} as never,
    events,
    signals: desk,
    isOwed: () => notifications.isWaiting,
    heartbeat: new Heartbeat(0, "h", "shop", partition, clock),
    heartbeatAction: async () => undefined,
    progress,
    catalog: async () => undefined as never,
    maxBatchSize: 100,
    confirmsLsn: true,
    clock,
    stopping: stopping.signal,
  });
  return { eventStream, stream, progress, confirmed, desk, clock };
}

test("a signal's transaction is not confirmed before an offset is stored that holds what it asks for", async () => {
  const { eventStream, progress, confirmed } = streamOfSignal("incremental");
  const [record, ...more] = await eventStream.read();
  expect(more).toEqual([]);
  // Walks the commit, and opens the window of the first chunk.
  await eventStream.read();
  expect(Math.max(...confirmed)).toBe(800);
  progress.store(record!.sourceOffset);
  eventStream.confirm();
  expect(confirmed.at(-1)).toBe(idleConfirmation(1112 as Lsn));
  expect(new IncrementalSnapshot(record!.sourceOffset, silentLogger).next?.id).toBe("public.a");
});

test("the row of a signal for a blocking snapshot carries the offset before it", async () => {
  const { eventStream, desk, confirmed } = streamOfSignal("blocking");
  const [record] = await eventStream.read();
  expect(record!.sourceOffset).toEqual(STORED);
  const { previous, offset } = desk.takeBlocking()!;
  expect([previous, offset["lsn_proc"]]).toEqual([STORED, 1000]);
  eventStream.confirm();
  expect(Math.max(...confirmed)).toBe(800);
});

test("while a window waits, the server is asked for its position again once it has moved, or after a pause", async () => {
  const { eventStream, stream, desk, clock } = streamOfSignal("incremental");
  await eventStream.read();
  await eventStream.read();
  stream.woken = 0;
  // Its answers wake the loop.
  await desk.advance([]);
  await desk.advance([]);
  expect(stream.asked).toBe(1);
  stream.shown = 2000 as Lsn;
  await desk.advance([]);
  await desk.advance([]);
  expect(stream.asked).toBe(2);
  await clock.advance(100);
  expect(stream.woken).toBe(1);
  await desk.advance([]);
  expect(stream.asked).toBe(3);
  desk.close();
  await clock.advance(100);
  expect(stream.woken).toBe(1);
});

test("signals are carried out though inserts are skipped, and are not confirmed before a later offset is stored", async () => {
  const skipped = { "skipped.operations": "c" };
  const { eventStream, stream, progress, confirmed, desk } = streamOfSignal("incremental", skipped);
  expect(await eventStream.read()).toEqual([]);
  // The chunk was opened.
  expect(stream.asked).toBe(1);
  expect(Math.max(...confirmed)).toBe(800);
  progress.store(STORED);
  eventStream.confirm();
  expect(Math.max(...confirmed)).toBe(800);
  expect(desk.isBlocking).toBe(false);
  const blocking = streamOfSignal("blocking", skipped);
  expect(await blocking.eventStream.read()).toEqual([]);
  expect(blocking.desk.takeBlocking()?.tables).toHaveLength(1);
  await blocking.eventStream.read();
  expect(Math.max(...blocking.confirmed)).toBe(800);
});
