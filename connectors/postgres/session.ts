import type pg from "pg";
import {
  ConfigError,
  type SourceMap,
  type SourceRecord,
  type SourceTaskContext,
  UnsupportedError,
} from "../../src/api/index.js";
import type { Settings } from "./config/settings.js";
import type { ChangeEvents } from "./events/change-event.js";
import { EventStream } from "./events/event-stream.js";
import type { Heartbeat } from "./events/heartbeat.js";
import { LogicalMessages } from "./events/logical-message.js";
import { Snapshot } from "./events/snapshot.js";
import { TransactionWalk } from "./events/transaction-walk.js";
import type { Progress } from "./position/progress.js";
import { planResume, wasMovedPast } from "./position/resume-point.js";
import { readOffset, sourcePartition, startOffset } from "./position/source-offset.js";
import { planStart, type StartPlan, type WalEnd } from "./position/start-plan.js";
import { closeClient, connectDatabase } from "./server/database-client.js";
import { codeOf } from "./server/failure.js";
import { queryRows } from "./server/query-rows.js";
import { ServerError } from "./server/server-error.js";
import { capturedTables, snapshotTables } from "./tables/captured-tables.js";
import { ensurePublication, type TableName } from "./tables/publication.js";
import { namesOf, warnOfUnpublished } from "./tables/publication-coverage.js";
import { RelationCache } from "./tables/relation-cache.js";
import type { SourceBlocks } from "./tables/source-block.js";
import type { TableFilter } from "./tables/table-filter.js";
import type { TableSchemas } from "./tables/table-schemas.js";
import { formatLsn, isIdleConfirmation, type Lsn, NO_LSN } from "./wal/lsn.js";
import { createSlot, dropSlot, readSlot, requireLogicalWal, type SlotState } from "./wal/replication-slot.js";
import { ReplicationStream } from "./wal/replication-stream.js";
import type { SilenceLimit } from "./wal/server-silence.js";

export interface SessionOptions {
  readonly settings: Settings;
  readonly context: SourceTaskContext;
  readonly progress: Progress;
  readonly events: ChangeEvents;
  readonly sources: SourceBlocks;
  readonly heartbeat: Heartbeat;
  readonly silence: SilenceLimit;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
}

/** Transactions that are under way hold up a new slot: after this long the status says so. */
const SLOT_WAIT_MS = 3_000;

/**
 * The connections of one attempt, from the first connect to the first failure: checks, slot, snapshot, stream. A
 * failure costs the whole session; the next one goes on from `progress`.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #cut = new AbortController();
  #catalog: pg.Client | undefined;
  #slotClient: pg.Client | undefined;
  #snapshotClient: pg.Client | undefined;
  #snapshot: AsyncGenerator<SourceRecord[], void, void> | undefined;
  #completedOffset: (() => SourceMap) | undefined;
  #stream: EventStream | undefined;
  #startLsn: Lsn = NO_LSN;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Connects and begins whatever comes first.
   *
   * @throws what `judgeFailure` judges.
   */
  async open(): Promise<void> {
    const { settings, progress, context } = this.#options;
    const client = await this.#catalogClient();
    const streams = settings.snapshotMode !== "initial_only";
    const added = streams ? await this.#publish(client) : [];
    const slot = streams ? await readSlot(client, settings.slotName, settings.connection.database) : undefined;
    const wal = slot ? await readWalEnd(client) : null;
    const plan = planStart({
      mode: settings.snapshotMode,
      offset: progress.offset === null ? null : readOffset(progress.offset),
      slot,
      slotName: settings.slotName,
      wal,
      confirmsLsn: settings.confirmsLsn,
      hasSnapshot: progress.hasSnapshot,
    });
    if (plan.kind === "stream" && progress.offset !== null && added.length > 0)
      context.logger.warn(
        `Tables were added to publication ${settings.publication.name}: ${namesOf(added)}. Their changes come from now on, the rows that they have already do not: for these, take a new snapshot, with snapshot.mode=always for one start or with the connector under another name`,
      );
    await this.#begin(plan, slot);
  }

  /** @returns tables that are published only from now on. */
  async #publish(client: pg.Client): Promise<readonly TableName[]> {
    const { settings, context, filter } = this.#options;
    await requireLogicalWal(client);
    const captured = await capturedTables(client, filter);
    const added = await ensurePublication(client, settings.publication, captured, context.logger);
    await warnOfUnpublished(client, settings, captured, context.logger);
    return added;
  }

  /** The next records; [] when the source is done or the task stops. */
  async read(): Promise<SourceRecord[]> {
    if (this.#snapshot) {
      const batch = await this.#snapshot.next();
      if (!batch.done) {
        this.#options.progress.handOver(batch.value.at(-1)!.sourceOffset);
        return batch.value;
      }
      await this.#endSnapshot();
    }
    if (this.#stream) return this.#stream.read();
    // initial_only: the task stays up, with nothing left to do.
    closeClient(this.#catalog);
    await untilAborted(this.#options.context.stopping);
    return [];
  }

  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** Offsets were stored. */
  confirm(): void {
    this.#stream?.confirm();
  }

  /** Ends all connections, whatever is under way on them. */
  abandon(): void {
    this.#stream?.close();
    closeClient(this.#catalog);
    this.#cut.abort();
  }

  /** The orderly end: what was confirmed is said once more, and the slot dropped where that is asked for. */
  async close(): Promise<void> {
    const wasStreaming = this.#stream !== undefined;
    this.#stream?.close();
    try {
      if (this.#options.settings.dropSlotOnStop && wasStreaming) await this.#dropSlot();
    } finally {
      closeClient(this.#catalog);
      this.#cut.abort();
    }
  }

  async #begin(plan: StartPlan, slot: SlotState | undefined): Promise<void> {
    const { settings, progress, context } = this.#options;
    if (plan.kind === "refuse") throw new UnsupportedError("POSTGRES_POSITION_LOST", plan.reason);
    if (plan.kind === "idle") return;
    if (plan.kind === "wait") throw new Error(plan.reason);
    if (plan.kind === "snapshot" && plan.slot === "keep") refuseMovingSlot(slot, settings.slotName);
    if (plan.slot === "recreate") await dropSlot(await this.#catalogClient(), settings.slotName);
    const created = plan.slot === "create" || plan.slot === "recreate" ? await this.#createSlot() : undefined;
    this.#startLsn = created?.consistentPoint ?? slot?.confirmedLsn ?? slot?.restartLsn ?? NO_LSN;
    if (plan.kind === "stream") {
      this.#warnOfSkippedChanges(slot);
      closeClient(this.#slotClient);
      if (progress.offset === null && created)
        context.logger.info("Streaming from the new slot without a snapshot", { slot: settings.slotName });
      await this.#startStream();
      return;
    }
    if (settings.snapshotDelayMs > 0) await context.clock.delay(settings.snapshotDelayMs, context.stopping);
    await this.#startSnapshot(created?.snapshotName ?? null);
  }

  /** The server starts at the slot's position, whatever earlier one is asked for. Debezium goes on without a word. */
  #warnOfSkippedChanges(slot: SlotState | undefined): void {
    const { progress, settings, context } = this.#options;
    const offset = progress.offset === null ? null : readOffset(progress.offset);
    if (!slot?.confirmedLsn || !offset || !wasMovedPast(offset, slot.confirmedLsn, isIdleConfirmation)) return;
    const stored = formatLsn(offset.lsnCommit ?? offset.lsnProc ?? offset.lsn ?? NO_LSN);
    const confirmed = formatLsn(slot.confirmedLsn);
    context.logger.warn(
      `Replication slot ${settings.slotName} was moved to ${confirmed}, past the stored offset ${stored}, by somebody else: changes between the two are not sent. To get them, take a new snapshot (snapshot.mode=when_needed does so by itself, snapshot.mode=always at the next start), and give each reader a slot of its own`,
      { slot: settings.slotName, stored, confirmed },
    );
  }

  async #startSnapshot(snapshotName: string | null): Promise<void> {
    const { settings, progress, context, events, sources, filter, schemas } = this.#options;
    const { clock, logger } = context;
    // What was stored is of no use any more, and may be of another time line: it must not be confirmed. (I3)
    progress.discard();
    this.#snapshotClient = await this.#connect("Debezium General");
    const lsn = this.#startLsn || (await currentLsn(this.#snapshotClient));
    const snapshot = new Snapshot({
      client: this.#snapshotClient,
      snapshotName,
      lsn,
      tables: (client) => snapshotTables(client, settings, filter),
      settings,
      filter,
      schemas,
      events,
      sources,
      clock,
      logger,
    });
    this.#completedOffset = () => snapshot.completedOffset();
    this.#snapshot = snapshot.batches(settings.maxBatchSize);
  }

  async #endSnapshot(): Promise<void> {
    const { settings, progress, context } = this.#options;
    this.#snapshot = undefined;
    progress.hasSnapshot = true;
    // No row of empty tables carries it.
    if (progress.offset === null && this.#completedOffset) progress.goOnFrom(this.#completedOffset());
    closeClient(this.#snapshotClient);
    closeClient(this.#slotClient);
    // Until the offset is stored, a crash means the whole snapshot again: the sooner the better.
    context.requestCommit();
    if (settings.snapshotMode === "initial_only") return;
    if (settings.streamingDelayMs > 0) await context.clock.delay(settings.streamingDelayMs, context.stopping);
    await this.#startStream();
  }

  async #startStream(): Promise<void> {
    const { settings, progress, context, events, sources, heartbeat, filter, schemas } = this.#options;
    const { clock, logger, stopping } = context;
    const catalog = () => this.#catalogClient();
    const version = await serverVersion(await catalog());
    const offset = progress.offset === null ? null : readOffset(progress.offset);
    const resume = planResume(offset, this.#startLsn);
    const client = await this.#connect("Debezium Streaming", true);
    const stream = await ReplicationStream.start(client, {
      slotName: settings.slotName,
      publicationName: settings.publication.name,
      withMessages: version >= 140_000,
      startLsn: resume.startLsn,
      limitBytes: settings.maxQueueBytes,
      statusIntervalMs: settings.statusIntervalMs,
      silence: this.#options.silence,
      clock,
    });
    const relations = new RelationCache(schemas, filter);
    const first: SourceMap = progress.offset ?? startOffset(this.#startLsn, clock.nowMs() * 1000);
    this.#stream = new EventStream({
      stream,
      walk: new TransactionWalk({
        settings,
        relations,
        events,
        sources,
        messages: new LogicalMessages(settings.topicPrefix, settings.types),
        partition: sourcePartition(settings.topicPrefix),
        resume,
        lastCommit: offset?.lsnCommit ?? null,
        offset: first,
      }),
      relations,
      events,
      heartbeat,
      heartbeatAction: () => this.#heartbeatAction(),
      progress,
      catalog,
      maxBatchSize: settings.maxBatchSize,
      confirmsLsn: settings.confirmsLsn,
      clock,
      stopping,
    });
    logger.info("Streaming started", { slot: settings.slotName, startLsn: resume.startLsn });
  }

  async #createSlot() {
    const { settings, context } = this.#options;
    this.#slotClient = await this.#connect("Debezium Streaming", true);
    const { host, port, database } = settings.connection;
    const patience = context.clock.schedule(SLOT_WAIT_MS, () =>
      context.waitingFor(
        `Postgres at ${host}:${port}/${database}: transactions that are under way must end before replication slot ${settings.slotName} can be made`,
      ),
    );
    try {
      const version = await serverVersion(await this.#catalogClient());
      return await createSlot(this.#slotClient, settings.slotName, settings.slotFailover && version >= 170_000);
    } finally {
      patience.cancel();
    }
  }

  async #dropSlot(): Promise<void> {
    const { settings, context } = this.#options;
    const client = await this.#catalogClient();
    for (let attempt = 1; ; attempt++) {
      try {
        await dropSlot(client, settings.slotName);
        return;
      } catch (error) {
        // The walsender takes a moment to see that its client is gone.
        if (codeOf(error) !== "55006" || attempt === 5) throw error;
        await context.clock.delay(100);
      }
    }
  }

  /**
   * Errors that another attempt may not have are logged only: the beat goes out in any case.
   *
   * @throws ConfigError for a table that is not there; what another connection may not have, as it is.
   */
  async #heartbeatAction(): Promise<void> {
    const { settings, context } = this.#options;
    if (settings.heartbeatQuery === null) return;
    const client = await this.#catalogClient();
    try {
      await client.query(settings.heartbeatQuery);
    } catch (error) {
      const code = codeOf(error);
      if (code === undefined || /^(57P|08)/.test(code)) throw error;
      if (code === "42P01")
        throw new ConfigError("heartbeat.action.query", `heartbeat.action.query failed: ${(error as Error).message}`, {
          cause: error,
        });
      context.logger.warn("heartbeat.action.query failed", { code }, error);
    }
  }

  /** For everything but streaming and the snapshot; made again where it was lost meanwhile. */
  async #catalogClient(): Promise<pg.Client> {
    if (!this.#catalog || this.#catalog.connection.stream.destroyed)
      this.#catalog = await this.#connect("Debezium General");
    return this.#catalog;
  }

  #connect(applicationName: string, isReplication = false): Promise<pg.Client> {
    const { settings, context } = this.#options;
    return connectDatabase({
      settings: settings.connection,
      applicationName,
      isReplication,
      signal: this.#cut.signal,
      logger: context.logger,
    });
  }
}

/**
 * A snapshot that is done again and the slot's position must fit: the slot may move neither while another process
 * reads from it, nor while it is still being made, which ends at a later position than the snapshot's.
 *
 * @throws Error that is retried.
 */
function refuseMovingSlot(slot: SlotState | undefined, name: string): void {
  if (slot && slot.confirmedLsn === null)
    throw new Error(`replication slot "${name}" is still being made, which waits for transactions under way to end`);
  if (slot?.isActive)
    throw new ServerError(
      "ERROR",
      "55006",
      `replication slot "${name}" is active for another process`,
      undefined,
      undefined,
    );
}

async function serverVersion(client: pg.Client): Promise<number> {
  const [row] = await queryRows(client, "SHOW server_version_num");
  return Number(row!["server_version_num"]);
}

async function currentLsn(client: pg.Client): Promise<Lsn> {
  const [row] = await queryRows(
    client,
    `SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::int8 AS lsn`,
  );
  return Number(row!["lsn"]) as Lsn;
}

/** How far the WAL goes that this server could send. */
async function readWalEnd(client: pg.Client): Promise<WalEnd> {
  const [row] = await queryRows(
    client,
    `SELECT s.is_standby,
            (CASE WHEN s.is_standby THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
                  ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::int8 AS lsn
     FROM (SELECT pg_is_in_recovery() AS is_standby) s`,
  );
  return { lsn: Number(row!["lsn"]) as Lsn, isStandby: row!["is_standby"] === "t" };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
