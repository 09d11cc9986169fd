import { Closers } from "../base/closers.js";
import { CommandLoop, LoopEndedError, mustRun } from "../base/command-loop.js";
import { deferred } from "../base/deferred.js";
import type { ConfigEvent, ConfigSnapshot } from "../stores/config-fold.js";
import type { StoredProps } from "../stores/config-records.js";
import type { StatusSubject } from "../stores/status-fold.js";
import type { Worker } from "../worker/worker.js";
import { resolveReferences, withoutNulls } from "./config/config-references.js";
import { Redactions } from "./config/redaction.js";
import { FencingRounds } from "./fencing/fencing-rounds.js";
import { TaskFencing } from "./fencing/task-fencing.js";
import type { HerderParts, HerderSettings, SharedStores, Stores } from "./herder-parts.js";
import { LeaderDuties } from "./leader-duties.js";
import { LeaderRequests } from "./leader-requests.js";
import { LeaderWriter, StaleDecisionError } from "./membership/leader-writer.js";
import { Membership, type MembershipHost, type Place } from "./membership/membership.js";
import { TaskConfigPublisher } from "./membership/task-config-publisher.js";
import { MisdirectedError } from "./misdirected-error.js";
import { Reconciler, type ReconcilerHost } from "./reconciler.js";
import { AutoRestarts } from "./running/auto-restarts.js";
import { ConfigReloads } from "./running/config-reloads.js";
import { StatusReporter } from "./running/status-reporter.js";
import { WorkRunner } from "./running/work-runner.js";
import { StageTracker } from "./stage-tracker.js";
import { NO_WORK, taskKey, type Work, workOf } from "./work.js";

/** The time limit at shutdown of the command in progress, then of the last statuses, then of the leave request. */
const PARTING_MS = 3_000;

/** The parts that exist once the topics have been read. */
interface Assembly {
  readonly stores: Stores;
  readonly worker: Worker;
  readonly runner: WorkRunner;
  readonly publisher: TaskConfigPublisher;
  readonly membership: Membership;
  readonly leaderRequests: LeaderRequests;
  readonly duties: LeaderDuties;
  readonly autoRestarts: AutoRestarts;
}

/**
 * The herder's only loop: config events, rebalances and REST writes arrive as commands and run one at a time. Pure
 * functions (reconcile, restart-plan, assignor) decide, and the worker carries out. No plugin's code runs in its
 * thread. Of plugin calls elsewhere it waits only for `stop`, which the worker bounds.
 */
export class HerderLoop implements MembershipHost, ReconcilerHost {
  readonly #commands = new CommandLoop();
  readonly #stages: StageTracker;
  readonly #stopping = new AbortController();
  readonly #loaded = deferred();
  /** Everything to close after a failed start, or at the end. */
  readonly #opened = new Closers();
  readonly #redactions: Redactions;
  readonly #reconciler: Reconciler;
  #assembly: Assembly | undefined;
  #running: Promise<void> | undefined;
  #wasReady = false;

  constructor(
    private readonly settings: HerderSettings,
    private readonly parts: HerderParts,
  ) {
    this.#stages = new StageTracker(settings.clock);
    this.#redactions = new Redactions(settings.clock);
    this.#reconciler = new Reconciler(this, settings.logger);
  }

  /** Note the values of a connector's references here when resolving them, before any of its clients can log them. */
  get redactions(): Redactions {
    return this.#redactions;
  }

  get stages(): StageTracker {
    return this.#stages;
  }

  /** Resolves once the topics have been read; rejects with the reason if they cannot be. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  /** Whether the worker has joined the group at least once. */
  get ready(): boolean {
    return this.#wasReady;
  }

  get stores(): SharedStores {
    return this.#assembled.stores;
  }

  get worker(): Worker {
    return this.#assembled.worker;
  }

  get runner(): WorkRunner {
    return this.#assembled.runner;
  }

  get membership(): Membership {
    return this.#assembled.membership;
  }

  get publisher(): TaskConfigPublisher {
    return this.#assembled.publisher;
  }

  get leaderRequests(): LeaderRequests {
    return this.#assembled.leaderRequests;
  }

  /**
   * Reads the topics, then joins the group and works until `close`. Resolves when `loaded` does.
   *
   * @throws the reason why it cannot start, after closing everything opened so far.
   */
  async start(): Promise<void> {
    try {
      await this.#stages.during("initializing and reading to the end of internal topics", () => this.#assemble());
    } catch (error) {
      this.#loaded.reject(error);
      await this.#opened.close();
      throw error;
    }
    this.#running = this.#commands.run(this.#stopping.signal);
    mustRun("The herder's loop", this.#running);
    this.membership.start();
    this.#loaded.resolve();
  }

  /** Stops and commits all work, leaves the group, and closes the stores. */
  async close(): Promise<void> {
    this.#stop();
    // Without a broker the current command may never end, and the leave request never arrives: the group then drops
    // this worker when its session times out.
    if (this.#running) await this.#within(PARTING_MS, this.#running);
    const assembly = this.#assembly;
    if (assembly) {
      await assembly.worker.close();
      await this.#part(assembly);
    }
    await this.#opened.close();
  }

  /** Drops everything at once, as a crash would. */
  async abandon(): Promise<void> {
    this.#stop();
    this.#assembly?.membership.abandon();
    await this.#opened.close();
  }

  /** Runs a step as a command. @throws LoopEndedError when the herder is shutting down */
  run<T>(stage: string, step: () => Promise<T>, shares = false): Promise<T> {
    return this.#commands.submit(stage, () => this.#stages.during(stage, step), shares);
  }

  /**
   * Runs a step as a command while this worker leads the group (I7), after any rebalance in progress. The step decides
   * on `writer.configs` and writes by the writer; when either is outdated, the step runs again.
   *
   * @param what names the request for a MisdirectedError.
   * @param shares the step concerns one connector and only writes: it may run together with others, and their writes are
   *   gathered.
   * @throws MisdirectedError when another worker leads.
   */
  async asLeader<T>(
    stage: string,
    what: string,
    step: (writer: LeaderWriter) => Promise<T>,
    shares = false,
  ): Promise<T> {
    for (;;) {
      await this.membership.settled();
      const decide = async () => {
        const { place } = this.membership;
        if (!place) return undefined; // a rebalance began while this command waited
        if (!place.isLeader) throw new MisdirectedError(place.leaderUrl, what);
        const isHeld = () => this.membership.place === place;
        const writer = new LeaderWriter(this.#assembled.stores.config, { generation: place.generation, isHeld });
        try {
          return { value: await step(writer) };
        } catch (error) {
          if (error instanceof StaleDecisionError) return undefined;
          throw error;
        }
      };
      const outcome = await this.run(stage, decide, shares);
      if (outcome) return outcome.value;
    }
  }

  configs(): ConfigSnapshot {
    return this.stores.config.snapshot();
  }

  async readToEnd(timeoutMs: number): Promise<void> {
    await this.#stages.during("reading to the end of the config topic", () => this.stores.config.readToEnd(timeoutMs));
  }

  reconcile(): Promise<void> {
    return this.#reconciler.reconcile();
  }

  async stopEverything(withinMs: number): Promise<void> {
    const { stores, runner } = this.#assembled;
    // A write may hang as long as its request, and the rejoin waits behind it.
    stores.config.dropWrites();
    await runner.stopEverything(withinMs);
    // A cancelled task's offset may still be in the producer and must not be sent after its successor's. (I3)
    stores.offset.dropWrites();
  }

  async givenUp(work: Work, timeoutMs: number): Promise<Work> {
    const { status } = this.stores;
    try {
      await status.readToEnd(timeoutMs);
    } catch (error) {
      this.settings.logger.warn("The statuses of a departed worker could not be read", {}, error);
      return NO_WORK;
    }
    const isGivenUp = (subject: StatusSubject) => {
      const state = status.status(subject)?.state;
      return state === "UNASSIGNED" || state === "FAILED";
    };
    return workOf(
      [...work.connectors].filter((connector) => isGivenUp({ connector })),
      [...work.tasks.values()].filter(isGivenUp),
    );
  }

  onPlace(place: Place): void {
    this.#wasReady = true;
    this.#assembled.stores.config.lead(place.isLeader);
    this.#assembled.duties.onPlace(place);
  }

  get #assembled(): Assembly {
    if (!this.#assembly) throw new LoopEndedError("The request");
    return this.#assembly;
  }

  async #assemble(): Promise<void> {
    const { settings, parts } = this;
    const { clock, random, logger } = settings;
    const listeners = {
      config: (events: readonly ConfigEvent[]) => this.#onConfigEvents(events),
      status: (connector: string) => this.#assembly?.duties.onStatus(connector),
    };
    const stores = await parts.openStores(listeners, this.#redactions, this.#stopping.signal);
    this.#opened.add("the stores", () => this.#closeStores(stores));
    if (this.#stopping.signal.aborted) throw new LoopEndedError("The start");
    const redactions = this.#redactions;
    const autoRestarts = new AutoRestarts({
      clock,
      logger,
      providers: settings.providers,
      configs: () => this.configs(),
      run: (stage, step) => this.run(stage, step),
      restart: ({ connector, task }) =>
        task === undefined
          ? this.#reconciler.restart(connector, [])
          : this.#reconciler.restart(undefined, [{ connector, task }]),
    });
    const reporter = new StatusReporter({
      redactions,
      autoRestarts,
      store: stores.status,
      workerId: settings.workerId,
      clock,
      tracksTopics: settings.tracksTopics,
      generation: () => this.#assembly?.membership.generation ?? 0,
      isConfigured: ({ connector, task }) => {
        const entry = stores.config.snapshot().connectors.get(connector);
        return entry !== undefined && (task === undefined || task < entry.taskConfigs.length);
      },
      requestReconfiguration: (connector) => this.#assembly?.publisher.request(connector),
    });
    const resolve = (connector: string, props: StoredProps, expires?: (ttlMs: number) => void) => {
      const found = (reference: string, value: string) => redactions.note(connector, reference, value);
      return withoutNulls(resolveReferences(props, settings.providers, found, expires));
    };
    const reloads = new ConfigReloads({
      clock,
      random,
      logger,
      run: (stage, step) => this.run(stage, step),
      restart: async (connector) => {
        const entry = this.configs().connectors.get(connector);
        if (!entry || !membership.assigned.connectors.has(connector)) return;
        // A provider that cannot answer now must not stop a connector that runs.
        resolve(connector, entry.config);
        await runner.restartConnector(connector).stopped;
      },
    });
    const rounds = new FencingRounds({
      refresh: () => this.stores.config.readToEnd(),
      asLeader: (stage, what, step) => this.asLeader(stage, what, step),
      isSource: ({ config }) => {
        const { "connector.class": className } = resolveReferences(config, settings.providers);
        return worker.plugins.find("connector", className ?? "").type === "source";
      },
      fenceProducers: (connector, { config }, tasks) =>
        parts.fenceProducers(connector, resolve(connector, config), tasks, redactions),
    });
    const leaderRequests = new LeaderRequests({
      asLeader: (...step) => this.asLeader(...step),
      rounds,
      ask: parts,
    });
    const fencing = new TaskFencing({
      fence: (connector) => leaderRequests.fence(connector),
      refresh: () => this.stores.config.readToEnd(),
      isCurrent: (id) => {
        const tasksOffset = this.configs().connectors.get(id.connector)?.tasksOffset;
        if (tasksOffset === undefined || runner.tasks.get(taskKey(id))?.tasksOffset !== tasksOffset) return false;
        return membership.mayRunTask(id, tasksOffset);
      },
    });
    const worker = await this.#startParts(stores, parts.createWorker(reporter, stores.offset, redactions, fencing));
    stores.status.onTopicsForgotten((connector) => worker.forgetTopics(connector));
    const publisher = new TaskConfigPublisher({
      worker,
      clock,
      random,
      logger,
      signal: this.#stopping.signal,
      redactions,
      configs: () => this.configs(),
      startedFrom: (connector) => runner.connectors.get(connector)?.configOffset,
      report: (connector, trace) => {
        const running = worker.connectors().find(({ name, state }) => name === connector && state === "RUNNING");
        if (running) reporter.connectorStatus(connector, "RUNNING", trace, running.version);
      },
      publish: (...published) => leaderRequests.publishTaskConfigs(...published),
    });
    const runner: WorkRunner = new WorkRunner({
      worker,
      reporter,
      logger,
      configs: () => this.configs(),
      mayRunConnector: (connector) => membership.assigned.connectors.has(connector),
      mayRunTask: (id, tasksOffset) => membership.mayRunTask(id, tasksOffset),
      resolve,
      reloads,
      connectorRuns: (connector) => publisher.request(connector),
    });
    const membership: Membership = new Membership({
      host: this,
      url: settings.url,
      protocol: settings.protocol,
      syncTimeoutMs: settings.syncTimeoutMs,
      maxRebalanceDelayMs: settings.maxRebalanceDelayMs,
      clock,
      logger,
      join: (callbacks, protocols) => parts.joinGroup(callbacks, protocols),
    });
    const duties = new LeaderDuties({
      ...settings,
      status: stores.status,
      configs: () => this.configs(),
      place: () => membership.place,
      asLeader: (stage, what, step) => this.asLeader(stage, what, step),
    });
    this.#assembly = { stores, worker, runner, publisher, membership, leaderRequests, duties, autoRestarts };
  }

  /** Reads the topics while the plugins load. A part that fails ends the others, so that none runs on unnoticed. */
  async #startParts({ config, offset, status }: Stores, creating: Promise<Worker>): Promise<Worker> {
    const created = creating.then((worker) => {
      this.#opened.add("the worker", () => worker.abandon());
      return worker;
    });
    const starting = [created, config.start(), offset.start(), status.start()] as const;
    try {
      const [worker] = await Promise.all(starting);
      if (this.#stopping.signal.aborted) throw new LoopEndedError("The start");
      return worker;
    } catch (error) {
      await this.#opened.close();
      await Promise.allSettled(starting);
      throw error;
    }
  }

  /** No more decisions and starts, even by a command that outlives the wait for it. */
  #stop(): void {
    this.#stopping.abort();
    this.#assembly?.membership.retire();
    this.#assembly?.runner.end();
    this.#assembly?.duties.stop();
    this.#assembly?.autoRestarts.stop();
  }

  #onConfigEvents(events: readonly ConfigEvent[]): void {
    for (const event of events) {
      if (event.kind === "logger-level") this.parts.onLoggerLevel(event.logger, event.level);
      if (event.kind === "connector-removed") this.#redactions.removed(event.connector);
      if (event.kind === "tasks-committed") this.#assembly?.duties.onTasks(event.connector);
    }
    this.#reconciler.onConfigEvents(events);
  }

  /** Returns whether the step has ended in time. */
  async #within(timeoutMs: number, step: Promise<void>): Promise<boolean> {
    const done = new AbortController();
    const isLate = this.settings.clock.delay(timeoutMs, done.signal).then(() => !done.signal.aborted);
    try {
      return !(await Promise.race([step.then(() => false), isLate]));
    } finally {
      done.abort();
    }
  }

  /** Even without its last statuses the worker leaves: others would wait for the end of its session in addition. */
  async #part({ stores, membership }: Assembly): Promise<void> {
    if (!(await this.#within(PARTING_MS, stores.status.flush()))) {
      const message =
        "Kafka did not take the last statuses in time: the connectors and tasks of this worker look as if they ran until others take them over";
      this.settings.logger.warn(message);
    }
    await this.#within(PARTING_MS, membership.leave());
  }

  async #closeStores({ config, offset, status }: Stores): Promise<void> {
    await Promise.all([config.close(), offset.close(), status.close()]);
  }
}
