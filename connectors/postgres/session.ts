import type pg from "pg";
import {
  ConfigError,
  type Logger,
  type SourceLag,
  type SourceMap,
  type SourceRecord,
  UnsupportedError,
} from "../../src/api/index.js";
import { estimateRows } from "./chunks/snapshot-progress.js";
import { splitSnapshot } from "./chunks/snapshot-split.js";
import type { Settings } from "./config/settings.js";
import { Snapshot, type SnapshotParts } from "./events/snapshot.js";
import { judgeLineage, type Lineage } from "./position/lineage.js";
import { furthestOf, NOTHING_READ, offsetOfReading, readOffset, sourcePartition } from "./position/source-offset.js";
import { planStart, type StartPlan } from "./position/start-plan.js";
import { closeClient, connectDatabase } from "./server/database-client.js";
import { ServerError } from "./server/server-error.js";
import { serverVersion } from "./server/server-version.js";
import type { SessionOptions } from "./session-options.js";
import { StreamPhase } from "./stream-phase.js";
import { type CapturedTable, capturedTables, snapshotTables } from "./tables/captured-tables.js";
import { ensurePublication, type TableName } from "./tables/publication.js";
import { namesOf, warnOfUnpublished } from "./tables/publication-coverage.js";
import { setReplicaIdentities } from "./tables/replica-identity.js";
import { type Lsn, NO_LSN } from "./wal/lsn.js";
import {
  createSlot,
  dropReleasedSlot,
  dropSlot,
  readSlot,
  requireLogicalWal,
  type SlotState,
} from "./wal/replication-slot.js";
import { identifyServer, readForks, type ServerIdentity } from "./wal/server-identity.js";
import { currentLsn, readWalEnd } from "./wal/wal-end.js";

const SAME: Lineage = { kind: "same" };

/** Open transactions delay a new slot: after this time the status shows it. */
const SLOT_WAIT_MS = 3_000;

/**
 * The connections of one attempt, from the first connect to the first failure: checks, slot, snapshot, stream. A
 * failure ends the whole session; the next one resumes from `progress`.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #cut = new AbortController();
  #catalog: pg.Client | undefined;
  #reconnecting: Promise<pg.Client> | undefined;
  #server: ServerIdentity | null = null;
  /**
   * A replication connection that does not stream yet. If it created the slot, it stays idle until the snapshot ends:
   * the exported snapshot lives as long.
   */
  #slotClient: pg.Client | undefined;
  #snapshotClient: pg.Client | undefined;
  #snapshot: AsyncGenerator<SourceRecord[], void, void> | undefined;
  #completedOffset: (() => SourceMap) | undefined;
  #stream: StreamPhase | undefined;
  #startLsn: Lsn = NO_LSN;
  #isIdle = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Connects and starts the snapshot or the stream.
   *
   * @throws errors for `judgeFailure` to judge.
   */
  async open(): Promise<void> {
    const { settings, progress, context, incremental } = this.#options;
    const client = await this.#catalogClient();
    const { streams } = settings.snapshot;
    const added = streams ? await this.#publish(client) : [];
    this.#options.pass("published");
    const lineage = streams ? await this.#identify() : SAME;
    const slot = streams ? await readSlot(client, settings.slotName, settings.connection.database) : undefined;
    const plan = planStart({
      rules: settings.snapshot,
      offset: progress.offset === null ? null : readOffset(progress.offset),
      slot,
      slotName: settings.slotName,
      wal: await readWalEnd(client),
      lineage,
      confirmsLsn: settings.confirmsLsn,
      trustsSlot: settings.trustsSlot,
      // The rest of it is read while streaming.
      hasSnapshot: progress.hasSnapshot || incremental.isInitial,
    });
    if (plan.kind === "stream" && progress.offset !== null && added.length > 0)
      context.logger.warn(
        `Tables were added to publication ${settings.publication.name}: ${namesOf(added)}. Only changes from now on are sent, not their existing rows. To send those, send the signal execute-snapshot with their names (docs/signals.md), or set snapshot.mode=always for one start`,
      );
    await this.#begin(plan, slot);
  }

  /** Opens the replication connection, and compares the server with the one that the offset belongs to. */
  async #identify(): Promise<Lineage> {
    const { progress } = this.#options;
    const client = await this.#connect("Debezium Streaming", true);
    this.#slotClient = client;
    const server = await identifyServer(client);
    this.#server = server;
    if (progress.offset === null) return SAME;
    const offset = readOffset(progress.offset);
    const { identity } = offset;
    const isLater = identity?.systemId === server.systemId && identity.timeline < server.timeline;
    const forks = isLater ? await readForks(client, server.timeline) : [];
    return judgeLineage({ identity, furthest: furthestOf(offset) }, server, forks);
  }

  /** The replication connection of `#identify`, or after a snapshot a new one to the same server. */
  async #streamClient(): Promise<pg.Client> {
    const waiting = this.#slotClient;
    this.#slotClient = undefined;
    if (waiting) return waiting;
    const client = await this.#connect("Debezium Streaming", true);
    const { systemId, timeline } = await identifyServer(client);
    if (systemId === this.#server?.systemId && timeline === this.#server.timeline) return client;
    closeClient(client);
    throw new Error(`another server answers: system ${systemId}, timeline ${timeline}`);
  }

  /** @returns tables newly added to the publication. */
  async #publish(client: pg.Client): Promise<readonly TableName[]> {
    const { settings, context, filter } = this.#options;
    await requireLogicalWal(client);
    const captured = await capturedTables(client, filter);
    guardAgainstMany(captured.length, settings, context.logger);
    const added = await ensurePublication(client, settings.publication, captured, context.logger);
    await warnOfUnpublished(client, settings, captured, context.logger);
    await setReplicaIdentities(client, settings.identityRules, captured, context.logger);
    return added;
  }

  /** The next records; [] once the task stops, or between two phases. */
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
    if (this.#options.notifications.isWaiting) return [];
    // initial_only: the task stays up and idle.
    closeClient(this.#catalog);
    await untilAborted(this.#options.context.stopping);
    return [];
  }

  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  /** Of everything that was read of the stream; undefined before a snapshot's rows, which have their own. */
  get offset(): SourceMap | undefined {
    return this.#isIdle ? NOTHING_READ : this.#stream?.offset;
  }

  /** How far the stream is behind; unknown without one. */
  get lag(): SourceLag {
    return this.#stream?.lag ?? {};
  }

  /** Called when offsets were stored. */
  confirm(): void {
    this.#stream?.confirm();
  }

  /** Cuts all connections, even in the middle of a query. */
  abandon(): void {
    this.#options.snapshotNotes.aborted();
    this.#stream?.close();
    closeClient(this.#catalog);
    this.#cut.abort();
  }

  /** The orderly end: confirms the last position once more, and drops the slot if `slot.drop.on.stop` is set. */
  async close(): Promise<void> {
    const wasStreaming = this.#stream !== undefined;
    this.#stream?.close();
    try {
      const { settings, context } = this.#options;
      if (settings.dropSlotOnStop && wasStreaming)
        await dropReleasedSlot(await this.#catalogClient(), settings.slotName, context.clock);
    } finally {
      closeClient(this.#catalog);
      this.#cut.abort();
    }
  }

  async #begin(plan: StartPlan, slot: SlotState | undefined): Promise<void> {
    const { settings, progress, context, snapshotNotes } = this.#options;
    if (plan.kind === "refuse") return this.#refuse(plan.reason);
    if (plan.kind === "idle" || plan.kind === "stream") snapshotNotes.skipped();
    this.#isIdle = plan.kind === "idle";
    if (plan.kind === "idle") return;
    if (plan.kind === "wait") throw new Error(plan.reason);
    if (plan.kind === "snapshot" && plan.slot === "keep") refuseMovingSlot(slot, settings.slotName);
    if (plan.slot === "recreate") await dropSlot(await this.#catalogClient(), settings.slotName);
    const created = plan.slot === "create" || plan.slot === "recreate" ? await this.#createSlot() : undefined;
    if (created) this.#options.pass("slot created");
    this.#startLsn = created?.consistentPoint ?? slot?.confirmedLsn ?? slot?.restartLsn ?? NO_LSN;
    if (plan.kind === "stream") {
      if (plan.warning !== undefined) context.logger.warn(plan.warning);
      if (progress.offset === null && created)
        context.logger.info("Streaming from the new slot without a snapshot", { slot: settings.slotName });
      await this.#startStream();
      return;
    }
    if (settings.snapshotDelayMs > 0) await context.clock.delay(settings.snapshotDelayMs, context.stopping);
    if (!created) this.#closeSlotClient();
    await this.#startSnapshot(created?.snapshotName ?? null);
  }

  #closeSlotClient(): void {
    closeClient(this.#slotClient);
    this.#slotClient = undefined;
  }

  /** @throws UnsupportedError; an Error that the task retries if a newer offset was stored since this task began. */
  async #refuse(reason: string): Promise<never> {
    const { context, progress, incremental, inbox, settings } = this.#options;
    const [stored] = await context.readOffsets([sourcePartition(settings.topicPrefix)]);
    if (progress.renew(offsetOfReading(stored?.offset))) {
      incremental.goOnFrom(progress.offset);
      inbox.goOnFrom(progress.offset);
      throw new Error("an earlier task has stored a newer offset");
    }
    throw new UnsupportedError("POSTGRES_POSITION_LOST", reason);
  }

  async #startSnapshot(snapshotName: string | null): Promise<void> {
    const { settings, progress, incremental, snapshotNotes } = this.#options;
    // The old offset may belong to another timeline: confirming it could release unread WAL. (I3)
    progress.discard();
    incremental.begin([]);
    const client = await this.#connect("Debezium General");
    this.#snapshotClient = client;
    const lsn = this.#startLsn || (await currentLsn(client));
    snapshotNotes.started();
    const snapshot = new Snapshot({
      ...this.#snapshotParts(client),
      notes: snapshotNotes,
      snapshotName,
      lsn,
      tables: () => this.#snapshotTables(client),
      statements: settings.snapshotStatements,
      carried: () => incremental.keys,
      offsets: null,
    });
    this.#completedOffset = () => snapshot.completedOffset();
    this.#snapshot = snapshot.batches(settings.maxBatchSize);
  }

  /** The tables to read before the stream starts; the others are left to the incremental snapshot. */
  async #snapshotTables(client: pg.Client): Promise<readonly CapturedTable[]> {
    const { settings, filter, schemas, context, incremental, snapshotProgress } = this.#options;
    const tables = await snapshotTables(client, settings, filter);
    const oids = tables.map(({ oid }) => oid);
    snapshotProgress.begin(tables.length, await estimateRows(client, oids));
    if (tables.length === 0)
      context.logger.warn(
        "After applying the include/exclude list filters, no changes will be captured. Please check your configuration!",
      );
    if (!settings.resumesInChunks) return tables;
    const { whole, inChunks } = await splitSnapshot(client, tables, { filter, schemas }, settings.snapshotStatements);
    incremental.begin(inChunks);
    context.logger.info("Tables of the snapshot are read in chunks, beside the stream", { tables: inChunks.length });
    return whole;
  }

  async #endSnapshot(): Promise<void> {
    const { settings, progress, context, incremental, snapshotNotes, snapshotProgress } = this.#options;
    this.#options.pass("snapshot sent");
    this.#snapshot = undefined;
    snapshotNotes.completed();
    if (!incremental.isInitial) snapshotProgress.end();
    progress.hasSnapshot = true;
    // Empty tables have no row to carry the offset.
    if (progress.offset === null && this.#completedOffset) progress.goOnFrom(this.#completedOffset());
    closeClient(this.#snapshotClient);
    this.#closeSlotClient();
    // Until the offset is stored, a crash repeats the whole snapshot: commit now.
    context.requestCommit();
    if (!settings.snapshot.streams) return;
    if (settings.streamingDelayMs > 0) await context.clock.delay(settings.streamingDelayMs, context.stopping);
    await this.#startStream();
  }

  #snapshotParts(client: pg.Client): SnapshotParts {
    const { settings, filter, schemas, events, sources, context } = this.#options;
    const { snapshotProgress: progress, pace, pass } = this.#options;
    const { clock, logger, stopping } = context;
    const connect = () => this.#connect("Debezium General");
    const parts = { settings, filter, schemas, events, sources, progress, pace, pass, clock, logger, stopping };
    return { ...parts, client, connect, identity: this.#server };
  }

  async #startStream(): Promise<void> {
    this.#stream = await StreamPhase.start({
      ...this.#options,
      client: await this.#streamClient(),
      catalog: () => this.#catalogClient(),
      connect: () => this.#connect("Debezium General"),
      snapshotParts: (client) => this.#snapshotParts(client),
      server: this.#server,
      startLsn: this.#startLsn,
    });
  }

  async #createSlot() {
    const { settings, context } = this.#options;
    this.#slotClient ??= await this.#connect("Debezium Streaming", true);
    const client = this.#slotClient;
    const { host, port, database } = settings.connection;
    const patience = context.clock.schedule(SLOT_WAIT_MS, () =>
      context.waitingFor(
        `Postgres at ${host}:${port}/${database}: open transactions must end before replication slot ${settings.slotName} can be created`,
      ),
    );
    try {
      const version = await serverVersion(await this.#catalogClient());
      return await createSlot(client, settings.slotName, settings.slotFailover && version >= 170_000);
    } finally {
      patience.cancel();
    }
  }

  /** The connection for everything but streaming and the snapshot. Reconnects if it was lost. */
  async #catalogClient(): Promise<pg.Client> {
    if (this.#catalog && !this.#catalog.connection.stream.destroyed) return this.#catalog;
    // Shared: a second connection beside it would never be closed.
    this.#reconnecting ??= this.#connect("Debezium General").finally(() => {
      this.#reconnecting = undefined;
    });
    this.#catalog = await this.#reconnecting;
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
 * A new snapshot on an existing slot requires that nothing moves the slot. Another reader would confirm changes the
 * snapshot does not have; a slot still being created becomes consistent at a later position than the snapshot.
 *
 * @throws an Error that the task retries.
 */
function refuseMovingSlot(slot: SlotState | undefined, name: string): void {
  if (slot && slot.confirmedLsn === null)
    throw new Error(`replication slot "${name}" is still being created, which waits for open transactions to end`);
  if (slot?.isActive)
    throw new ServerError(
      "ERROR",
      "55006",
      `replication slot "${name}" is active for another process`,
      undefined,
      undefined,
    );
}

/** @throws ConfigError for more captured tables than guardrail.collections.max, if they are to be refused. */
function guardAgainstMany(count: number, { mostTables, refusesMoreTables }: Settings, logger: Logger): void {
  if (mostTables === 0 || count <= mostTables) return;
  const message = `Guardrail limit exceeded: ${count} tables/collections configured for capture, but maximum allowed is ${mostTables}.`;
  if (refusesMoreTables) throw new ConfigError("guardrail.collections.max", message);
  logger.warn(message);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
