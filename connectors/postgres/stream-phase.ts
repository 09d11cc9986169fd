import type pg from "pg";
import { ConfigError, type SourceLag, type SourceMap, type SourceRecord } from "../../src/api/index.js";
import { IncrementalChunks } from "./chunks/incremental-chunks.js";
import { estimateRows } from "./chunks/snapshot-progress.js";
import type { Settings } from "./config/settings.js";
import { EventStream } from "./events/event-stream.js";
import { runHeartbeatAction } from "./events/heartbeat-action.js";
import { LogicalMessages } from "./events/logical-message.js";
import { type BlockingRequest, SignalDesk } from "./events/signal-desk.js";
import { Snapshot, type SnapshotParts } from "./events/snapshot.js";
import { TransactionMetadata } from "./events/transaction-metadata.js";
import { TransactionWalk } from "./events/transaction-walk.js";
import { IncrementalNotifications } from "./notifications/incremental-notifications.js";
import { SnapshotNotifications } from "./notifications/snapshot-notifications.js";
import { planResume } from "./position/resume-point.js";
import { readOffset, sourcePartition, startOffset } from "./position/source-offset.js";
import { WalLag } from "./position/wal-lag.js";
import { closeClient } from "./server/database-client.js";
import { isPermanent } from "./server/failure.js";
import { serverVersion } from "./server/server-version.js";
import { quoteLiteral } from "./server/sql-text.js";
import type { SessionOptions } from "./session-options.js";
import { type CapturedTable, capturedTables } from "./tables/captured-tables.js";
import { RelationCache } from "./tables/relation-cache.js";
import type { Lsn } from "./wal/lsn.js";
import { ReplicationStream } from "./wal/replication-stream.js";
import type { ServerIdentity } from "./wal/server-identity.js";
import { alarmFigures, SlotGuard } from "./wal/slot-guard.js";
import { readSlotUsage } from "./wal/slot-usage.js";
import { SlotXmin } from "./wal/slot-xmin.js";
import { currentLsn, readWalEnd } from "./wal/wal-end.js";

export interface StreamParts extends SessionOptions {
  /** A replication connection, which the phase owns from then on. */
  readonly client: pg.Client;
  /** The session's connection for queries; reconnects if it was lost. */
  readonly catalog: () => Promise<pg.Client>;
  /** A new connection for queries, which the phase closes. */
  readonly connect: () => Promise<pg.Client>;
  readonly snapshotParts: (client: pg.Client) => SnapshotParts;
  readonly server: ServerIdentity | null;
  /** The slot's own position. */
  readonly startLsn: Lsn;
}

/** A session's last phase: the stream, and the snapshots that signals ask for beside it. */
export class StreamPhase {
  readonly #parts: StreamParts;
  readonly #stream: EventStream;
  readonly #signals: SignalDesk;
  readonly #walk: TransactionWalk;
  readonly #lag: WalLag;
  #xmin: SlotXmin | undefined;
  #guard: SlotGuard | undefined;
  /** Reads the chunks of an incremental snapshot, on a connection of its own. */
  #chunks: { readonly client: pg.Client; readonly reader: IncrementalChunks } | undefined;
  #blocking: AsyncGenerator<SourceRecord[], void, void> | undefined;
  #blockingClient: pg.Client | undefined;
  #blockingNotes: SnapshotNotifications | undefined;

  private constructor(parts: StreamParts, stream: ReplicationStream, walk: TransactionWalk, relations: RelationCache) {
    this.#parts = parts;
    this.#walk = walk;
    const { settings, progress, context, events, heartbeat, incremental, inbox, catalog } = parts;
    const { clock, logger, stopping } = context;
    this.#signals = new SignalDesk({
      incremental,
      inbox,
      walk,
      stream,
      events,
      notes: new IncrementalNotifications(parts.notifications),
      tables: () => this.#signalledTables(),
      reader: () => this.#chunkReader(walk),
      release: () => this.#releaseChunks(),
      progress: parts.snapshotProgress,
      pace: parts.pace,
      pass: parts.pass,
      clock,
      logger,
    });
    this.#stream = new EventStream({
      stream,
      walk,
      relations,
      events,
      signals: this.#signals,
      isOwed: () => parts.notifications.isWaiting,
      heartbeat,
      heartbeatAction: () => this.#heartbeatAction(),
      progress,
      catalog,
      maxBatchSize: settings.maxBatchSize,
      confirmsLsn: settings.confirmsLsn,
      clock,
      stopping,
    });
    this.#lag = new WalLag({
      walEnd: async () => (await readWalEnd(await catalog())).lsn,
      position: () => stream.position,
      requestPosition: () => stream.requestPosition(),
      clock,
      logger,
    });
    this.#lag.start();
    this.#watchSlot(stream);
  }

  /** @throws errors for `judgeFailure` to judge. */
  static async start(parts: StreamParts): Promise<StreamPhase> {
    const { settings, progress, context, events, sources, filter, schemas, incremental, inbox } = parts;
    const { client, catalog, server, startLsn } = parts;
    const { clock, logger } = context;
    const version = await serverVersion(await catalog());
    requireMessages(settings, version);
    const offset = progress.offset === null ? null : readOffset(progress.offset);
    const partition = sourcePartition(settings.topicPrefix);
    const resume = planResume(offset, startLsn);
    const stream = await ReplicationStream.start(client, {
      slotName: settings.slotName,
      publicationName: settings.publication.name,
      withMessages: version >= 140_000,
      slotOptions: settings.slotOptions,
      startLsn: resume.startLsn,
      limitBytes: settings.maxQueueBytes,
      statusIntervalMs: settings.statusIntervalMs,
      silence: parts.silence,
      clock,
    });
    parts.pass("stream started");
    const relations = new RelationCache(schemas, filter);
    const first: SourceMap = progress.offset ?? startOffset(startLsn, clock.nowMs() * 1000, server);
    const walk = new TransactionWalk({
      settings,
      relations,
      events,
      sources,
      messages: new LogicalMessages(settings.topicPrefix, settings.types),
      metadata:
        settings.transactionTopic === null ? null : new TransactionMetadata(partition, settings.transactionTopic),
      partition,
      resume,
      origin: { identity: server, slotStart: startLsn },
      lastCommit: offset?.lsnCommit ?? null,
      offset: first,
      signalTable: settings.signalChannels.has("source") ? settings.signalTable : null,
      incremental,
      inbox,
    });
    const phase = new StreamPhase(parts, stream, walk, relations);
    if (settings.xminIntervalMs > 0)
      await phase.#watchXmin().catch((error) => {
        // Nobody else knows of the phase yet: its timers would go on for ever.
        phase.close();
        throw error;
      });
    logger.info("Streaming started", { slot: settings.slotName, startLsn: resume.startLsn });
    return phase;
  }

  /** The next records; [] once the task stops, or before a blocking snapshot. */
  async read(): Promise<SourceRecord[]> {
    if (this.#blocking) {
      const batch = await this.#blocking.next().catch((error) => this.#givenUp(error));
      if (!batch.done) {
        this.#parts.progress.handOver(batch.value.at(-1)!.sourceOffset);
        return batch.value;
      }
      this.#endBlocking();
    }
    const blocking = this.#signals.takeBlocking();
    if (!blocking) return this.#stream.read();
    await this.#startBlocking(blocking);
    return this.read();
  }

  /** Of everything that was read. */
  get offset(): SourceMap {
    return this.#walk.offset;
  }

  /** How far the stream is behind. */
  get lag(): SourceLag {
    return { lagBytes: this.#lag.bytes, lagMs: this.#stream.behindMs };
  }

  /** Called when offsets were stored. */
  confirm(): void {
    this.#stream.confirm();
  }

  /** Confirms the last position once more. */
  close(): void {
    this.#lag.stop();
    this.#xmin?.stop();
    // Rows of a first snapshot have none.
    this.#parts.sources.xmin = null;
    this.#guard?.stop();
    this.#signals.close();
    this.#stream.close();
    closeClient(this.#chunks?.client);
  }

  async #signalledTables(): Promise<CapturedTable[]> {
    const { settings, filter, catalog } = this.#parts;
    const captured = await capturedTables(await catalog(), filter);
    return captured.filter(({ schema, table }) => `${schema}.${table}` !== settings.signalTable);
  }

  async #chunkReader(walk: TransactionWalk): Promise<IncrementalChunks> {
    const { settings, filter, schemas, context, connect } = this.#parts;
    if (this.#chunks) return this.#chunks.reader;
    const client = await connect();
    const reader = new IncrementalChunks({
      client,
      chunkSize: settings.chunkSize,
      limitBytes: settings.maxQueueBytes,
      filter,
      schemas,
      logger: context.logger,
      find: async ({ id, oid }) =>
        (await this.#signalledTables()).find((table) =>
          oid === null ? `${table.schema}.${table.table}` === id : table.oid === oid,
        ),
      lacksStreamed: (visible) => walk.hasStreamed((xid) => !visible.has(xid)),
      retry: () => context.clock.delay(10, context.stopping),
    });
    this.#chunks = { client, reader };
    return reader;
  }

  #releaseChunks(): void {
    closeClient(this.#chunks?.client);
    this.#chunks = undefined;
  }

  /** A signal asks for a snapshot while the stream waits. */
  async #startBlocking({ tables, statements, previous, offset }: BlockingRequest): Promise<void> {
    const { settings, connect, snapshotParts, notifications } = this.#parts;
    const client = await connect();
    this.#blockingClient = client;
    this.#blockingNotes = new SnapshotNotifications(notifications, null);
    this.#blockingNotes.started();
    const oids = tables.map(({ oid }) => oid);
    this.#parts.snapshotProgress.begin(tables.length, await estimateRows(client, oids));
    const snapshot = new Snapshot({
      ...snapshotParts(client),
      notes: this.#blockingNotes,
      snapshotName: null,
      lsn: await currentLsn(client),
      tables: async () => tables,
      statements,
      carried: () => ({}),
      offsets: { running: previous, completed: offset },
    });
    this.#blocking = snapshot.batches(settings.maxBatchSize);
  }

  #endBlocking(): void {
    this.#parts.snapshotProgress.end();
    this.#blocking = undefined;
    this.#blockingNotes?.completed();
    this.#signals.blockingEnded();
    closeClient(this.#blockingClient);
  }

  /** A blocking snapshot that the server refuses is over: its signal would come again after each restart. */
  #givenUp(error: unknown): IteratorReturnResult<void> {
    this.#blockingNotes?.aborted(isPermanent(error));
    if (!isPermanent(error)) throw error;
    this.#parts.context.logger.warn(
      "The snapshot that a signal asked for has failed, and the stream goes on",
      {},
      error,
    );
    return { done: true, value: undefined };
  }

  /** The connector logs the slot's alarms; where notifications are enabled, the stream tells them, too. */
  #watchSlot(stream: ReplicationStream): void {
    const { settings, notifications, catalog, context } = this.#parts;
    const { slotName, guardIntervalMs, guardLimitBytes } = settings;
    if (guardIntervalMs === 0 || settings.notifications.channels.size === 0) return;
    this.#guard = new SlotGuard({
      slotName,
      intervalMs: guardIntervalMs,
      limitBytes: guardLimitBytes,
      read: async () => readSlotUsage(await catalog(), slotName),
      report: () => {},
      raise: (raised) => {
        const figures = Object.entries(alarmFigures(raised)).map(([name, value]) => [name, String(value)]);
        notifications.send("Replication Slot", "ALARM", {
          slot_name: slotName,
          reason: raised.alarm,
          ...Object.fromEntries(figures),
        });
        stream.wake();
      },
      clock: context.clock,
      logger: context.logger,
    });
    this.#guard.start();
  }

  async #watchXmin(): Promise<void> {
    const { settings, sources, catalog, context } = this.#parts;
    this.#xmin = new SlotXmin({
      slotName: settings.slotName,
      intervalMs: settings.xminIntervalMs,
      catalog,
      changed: (xmin) => {
        sources.xmin = xmin;
        this.#walk.carry();
      },
      clock: context.clock,
      logger: context.logger,
    });
    await this.#xmin.start();
  }

  async #heartbeatAction(): Promise<void> {
    const { settings, context, catalog } = this.#parts;
    const { heartbeatQuery, heartbeatPrefix } = settings;
    if (heartbeatQuery !== null)
      await runHeartbeatAction(await catalog(), "heartbeat.action.query", heartbeatQuery, context.logger);
    if (heartbeatPrefix === null) return;
    const message = `SELECT pg_logical_emit_message(false, ${quoteLiteral(heartbeatPrefix)}, '')`;
    await runHeartbeatAction(await catalog(), "heartbeat.message.prefix", message, context.logger);
  }
}

/** @throws ConfigError for a heartbeat that the server would not send back. */
function requireMessages({ heartbeatPrefix }: Settings, version: number): void {
  if (heartbeatPrefix === null || version >= 140_000) return;
  throw new ConfigError(
    "heartbeat.message.prefix",
    "heartbeat.message.prefix needs PostgreSQL 14 or later: before, pgoutput sends no messages. Remove it, and write to a table by heartbeat.action.query instead",
  );
}
