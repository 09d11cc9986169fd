import type {
  Props,
  SourceLag,
  SourceMap,
  SourceOffset,
  SourceRecord,
  SourceTask,
  SourceTaskContext,
} from "../../src/api/index.js";
import { IncrementalSnapshot } from "./chunks/incremental-snapshot.js";
import { RowPace } from "./chunks/row-pace.js";
import { SnapshotProgress } from "./chunks/snapshot-progress.js";
import { refuseInvalid } from "./config/config-validation.js";
import { parseSettings, type Settings } from "./config/settings.js";
import { ChangeEvents, contextHeaders } from "./events/change-event.js";
import { Heartbeat } from "./events/heartbeat.js";
import { Notifications } from "./notifications/notifications.js";
import { SnapshotNotifications } from "./notifications/snapshot-notifications.js";
import { Progress } from "./position/progress.js";
import { offsetOfReading, sourcePartition } from "./position/source-offset.js";
import { type FailureScene, gaveUp, judgeFailure } from "./server/failure.js";
import type { PassFault } from "./server/fault-point.js";
import { Session } from "./session.js";
import type { SessionOptions } from "./session-options.js";
import { openInbox } from "./signals/open-inbox.js";
import type { SignalInbox } from "./signals/signal-inbox.js";
import { SourceBlocks } from "./tables/source-block.js";
import { TableFilter } from "./tables/table-filter.js";
import { TableSchemas } from "./tables/table-schemas.js";
import { SilenceLimit } from "./wal/server-silence.js";

const FIRST_RETRY_MS = 200;

/** The result of a poll's work. A value, because the work may fail between two polls, with no caller to catch it. */
type Outcome = { readonly records: SourceRecord[] } | { readonly error: unknown };

/**
 * Reads one database's changes through one slot. `poll` starts all the work. A poll that finds nothing for
 * `poll.interval.ms` returns; the work continues, and the next poll waits for it.
 */
export class PostgresSourceTask implements SourceTask {
  #context!: SourceTaskContext;
  #settings!: Settings;
  #progress!: Progress;
  #sessionOptions!: SessionOptions;
  #inbox: SignalInbox | undefined;
  #notifications!: Notifications;
  #session: Session | undefined;
  #work: Promise<void> | undefined;
  #outcome: Outcome | undefined;
  #wake: (() => void) | undefined;
  #retries = 0;
  /** The monotonic time at which the session had opened; infinite before that. */
  #openedMs = Number.POSITIVE_INFINITY;
  /** Waits for a slot in use since the last records; bounded by slot.max.retries × slot.retry.delay.ms. */
  #slotWaitedMs = 0;

  /** @param pass for tests. */
  constructor(private readonly pass: PassFault = () => undefined) {}

  async start(context: SourceTaskContext, props: Props): Promise<void> {
    refuseInvalid(props);
    const settings = parseSettings(props);
    const { clock } = context;
    const partition = sourcePartition(settings.topicPrefix);
    const filter = new TableFilter(settings);
    const [found] = await context.readOffsets([partition]);
    const stored = offsetOfReading(found?.offset);
    this.#context = context;
    this.#settings = settings;
    this.#progress = new Progress(stored);
    const inbox = openInbox(settings, context, stored);
    this.#inbox = inbox;
    const notifications = new Notifications({
      settings: settings.notifications,
      connectorName: settings.topicPrefix,
      partition,
      clock,
      random: context.random,
      logger: context.logger,
    });
    this.#notifications = notifications;
    this.#sessionOptions = {
      settings,
      context,
      progress: this.#progress,
      filter,
      schemas: new TableSchemas(settings, filter, context.logger),
      events: new ChangeEvents({
        partition,
        headers: settings.extendedHeaders
          ? contextHeaders(settings.topicPrefix, context.taskId, context.random.uuid())
          : [],
        tombstonesOnDelete: settings.tombstonesOnDelete,
      }),
      sources: new SourceBlocks(settings.topicPrefix, settings.connection.database),
      incremental: new IncrementalSnapshot(stored, context.logger),
      inbox,
      notifications,
      snapshotNotes: new SnapshotNotifications(notifications, settings.signalTable),
      pass: this.pass,
      snapshotProgress: new SnapshotProgress(clock, context.logger),
      pace: new RowPace(settings.snapshotRowsPerSecond),
      silence: new SilenceLimit(),
      heartbeat: new Heartbeat(
        settings.heartbeatIntervalMs,
        settings.heartbeatTopic,
        settings.topicPrefix,
        partition,
        clock,
      ),
    };
    // A streaming session closes in order; connecting and snapshots are cut off.
    const onStopping = () => {
      if (!this.#session?.isStreaming) this.#session?.abandon();
      this.#wake?.();
    };
    context.stopping.addEventListener("abort", onStopping, { once: true });
  }

  async poll(): Promise<readonly SourceRecord[] | null> {
    const { stopping } = this.#context;
    if (stopping.aborted) return null;
    const outcome = await this.#outcomeOfWork();
    if (outcome === null) return null;
    if ("error" in outcome) throw outcome.error;
    return outcome.records;
  }

  async commit(flushed: readonly SourceOffset[]): Promise<void> {
    const { topicPrefix } = this.#settings;
    const own = flushed.filter(({ partition }) => partition["server"] === topicPrefix).at(-1);
    if (!own?.offset) return;
    this.#progress.store(own.offset as SourceMap);
    this.#inbox?.stored(own.offset as SourceMap);
    this.#session?.confirm();
  }

  lag(): SourceLag {
    return this.#session?.lag ?? {};
  }

  gauges(): Record<string, number> {
    return this.#sessionOptions?.snapshotProgress.gauges() ?? {};
  }

  async stop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    try {
      await session?.close();
      await this.#work;
    } finally {
      await this.#inbox?.close();
    }
  }

  /** The work's outcome, or null after `poll.interval.ms`, so the worker's loop can run. */
  async #outcomeOfWork(): Promise<Outcome | null> {
    this.#work ??= this.#advance().then((outcome) => {
      this.#outcome = outcome;
      this.#wake?.();
    });
    if (!this.#outcome) {
      // Not Promise.race: on a quiet source the work's promise would collect one reaction per poll.
      await new Promise<void>((resolve) => {
        const timer = this.#context.clock.schedule(this.#settings.pollIntervalMs, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const outcome = this.#outcome ?? null;
    if (!outcome) return null;
    this.#outcome = undefined;
    this.#work = undefined;
    return outcome;
  }

  /** Works until there are records. Never rejects. */
  async #advance(): Promise<Outcome> {
    const { stopping } = this.#context;
    while (!stopping.aborted) {
      try {
        if (!this.#session) await this.#open();
        const records = this.#withNotifications(await this.#session!.read());
        if (records.length > 0) {
          this.#retries = 0;
          this.#slotWaitedMs = 0;
          return { records };
        }
      } catch (error) {
        const fatal = await this.#recover(error);
        if (fatal) return { error: fatal };
      }
    }
    return { records: [] };
  }

  /** Notifications follow the records, with the offset of the last: their own must never pass one that was not sent. */
  #withNotifications(records: SourceRecord[]): SourceRecord[] {
    if (!this.#notifications.isWaiting) return records;
    const known = records.at(-1)?.sourceOffset ?? this.#progress.offset;
    const offset = known ?? this.#session?.offset;
    // Before the first row of a snapshot: they follow it.
    if (!offset) return records;
    if (known === null) this.#progress.handOver(offset);
    return [...records, ...this.#notifications.take(offset)];
  }

  async #open(): Promise<void> {
    const session = new Session(this.#sessionOptions);
    this.#session = session;
    await session.open();
    this.#openedMs = this.#context.clock.monotonicMs();
    this.#context.waitingFor(null);
  }

  /** Abandons the session and waits before the next attempt, or returns the error that fails the task. */
  async #recover(error: unknown): Promise<Error | undefined> {
    const { clock, stopping, logger, random } = this.#context;
    this.#session?.abandon();
    this.#session = undefined;
    // A stop cuts the connections to end waits on them: that error is expected.
    if (stopping.aborted) return undefined;
    const scene = this.#scene();
    const failure = judgeFailure(error, scene);
    if (failure.kind === "fatal") return failure.error;
    const { slotMaxRetries, slotRetryDelayMs, maxRetries, maxRetryWaitMs } = this.#settings;
    // A session that held for a while was no failed attempt, even without a row: the next wait is short again.
    if (clock.monotonicMs() - this.#openedMs > maxRetryWaitMs) this.#retries = 0;
    this.#openedMs = Number.POSITIVE_INFINITY;
    const longestMs = failure.isSlotInUse ? slotRetryDelayMs : maxRetryWaitMs;
    const waitMs = Math.min(longestMs, FIRST_RETRY_MS * 2 ** Math.min(this.#retries, 20) * (1 + random.next() / 4));
    const isWorn =
      (maxRetries >= 0 && this.#retries >= maxRetries) ||
      (failure.isSlotInUse && this.#slotWaitedMs >= slotMaxRetries * slotRetryDelayMs);
    if (isWorn) return gaveUp(failure, scene, error);
    this.#retries++;
    if (failure.isSlotInUse) this.#slotWaitedMs += waitMs;
    const reason = `Postgres at ${scene.host}:${scene.port}/${scene.database}: ${failure.cause}`;
    this.#context.waitingFor(reason);
    logger.warn("Waiting for the database", { reason, waitMs: Math.round(waitMs) }, error);
    await clock.delay(waitMs, stopping);
    return undefined;
  }

  #scene(): FailureScene {
    const { connection, slotName, publication } = this.#settings;
    const { host, port, user, database } = connection;
    return { host, port, user, database, slotName, publicationName: publication.name };
  }
}
