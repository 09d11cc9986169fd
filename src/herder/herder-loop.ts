import { type Clock, ConflictError, type Logger, NotFoundError, type Random, type Timer } from "../api/index.js";
import { CommandLoop, LoopEndedError } from "../base/command-loop.js";
import { deferred } from "../base/deferred.js";
import type { RestartRequest } from "../contract/restart-request.js";
import type { GroupMember, GroupMemberCallbacks, GroupProtocol } from "../kafka/kafka-client.js";
import type { ConfigEvent, ConfigSnapshot } from "../stores/config-fold.js";
import type { StoredProps } from "../stores/config-records.js";
import type { ConfigListener, ConfigStore } from "../stores/config-store.js";
import type { OffsetStore } from "../stores/offset-store.js";
import type { StatusStore } from "../stores/status-store.js";
import type { Worker, WorkerListener } from "../worker/worker.js";
import type { ConfigProvider } from "./config/config-providers.js";
import { resolveReferences } from "./config/config-references.js";
import { Redactions } from "./config/redaction.js";
import type { ConnectProtocol } from "./membership/group-messages.js";
import { configuredWork, Membership, type MembershipHost, type Place } from "./membership/membership.js";
import { isDue, newSessionKey, type SessionKeyKind } from "./membership/session-keys.js";
import { TaskConfigPublisher } from "./membership/task-config-publisher.js";
import { MisdirectedError } from "./misdirected-error.js";
import { StageTracker } from "./stage-tracker.js";
import { reconcile } from "./work/reconcile.js";
import { planRestart, strongerRestart } from "./work/restart-plan.js";
import { StatusReporter } from "./work/status-reporter.js";
import { taskKey } from "./work/work.js";
import { WorkRunner } from "./work/work-runner.js";

export interface Stores {
  readonly config: ConfigStore;
  readonly offset: OffsetStore;
  readonly status: StatusStore;
}

/** What the herder is made of; each is made when the herder starts. */
export interface HerderParts {
  /** Makes sure that the internal topics are there, and makes the stores over them (not started). */
  openStores(configListener: ConfigListener, signal: AbortSignal): Promise<Stores>;
  createWorker(listener: WorkerListener, offsets: OffsetStore, redactions: Redactions): Promise<Worker>;
  joinGroup(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): GroupMember;
  /** Asks the leader to publish task configs, over HTTP; signed when the group has a key. */
  postTaskConfigs(leaderUrl: string, connector: string, taskConfigs: readonly StoredProps[]): Promise<void>;
  onLoggerLevel(logger: string, level: string): void;
}

export interface HerderSettings {
  /** Advertised host:port, and the URL with a slash at its end. */
  readonly workerId: string;
  readonly url: string;
  readonly protocol: ConnectProtocol;
  readonly syncTimeoutMs: number;
  readonly maxRebalanceDelayMs: number;
  readonly tracksTopics: boolean;
  readonly sessionKeyKind: SessionKeyKind;
  readonly sessionKeyTtlMs: number;
  readonly providers: ReadonlyMap<string, ConfigProvider>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How long the command at work, and then the last statuses and leaving the group, may take at shutdown. */
const PARTING_MS = 3_000;

/** Everything that exists once the topics were read. */
interface Assembly {
  readonly stores: Stores;
  readonly worker: Worker;
  readonly runner: WorkRunner;
  readonly publisher: TaskConfigPublisher;
  readonly membership: Membership;
}

/**
 * The herder's one loop: config events, rebalances and REST writes come in as commands and are carried out one at a
 * time. It decides by pure functions (reconcile, restart-plan, assignor) and tells the worker; nothing of a plugin's
 * runs in it but `stop`, which the worker bounds.
 */
export class HerderLoop implements MembershipHost {
  readonly #commands = new CommandLoop<undefined>(undefined);
  readonly #stages: StageTracker;
  readonly #stopping = new AbortController();
  readonly #loaded = deferred();
  readonly #restarts = new Map<string, RestartRequest>();
  #assembly: Assembly | undefined;
  #running: Promise<void> | undefined;
  #eventsPending = false;
  #wasReady = false;
  #keyTimer: Timer | undefined;

  constructor(
    private readonly settings: HerderSettings,
    private readonly parts: HerderParts,
  ) {
    this.#stages = new StageTracker(settings.clock);
  }

  get stages(): StageTracker {
    return this.#stages;
  }

  /** Resolves once the topics were read; rejects with why they could not be. */
  get loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  /** Whether the group was joined, once. */
  get ready(): boolean {
    return this.#wasReady;
  }

  get stores(): Stores {
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

  /** Reads the topics, then joins the group and works until `close`. Resolves when `loaded` does. @throws why it cannot start */
  async start(): Promise<void> {
    try {
      await this.#stages.during("initializing and reading to the end of internal topics", () => this.#assemble());
    } catch (error) {
      this.#loaded.reject(error);
      throw error;
    }
    this.#running = this.#commands.run(this.#stopping.signal);
    this.membership.start();
    this.#loaded.resolve();
  }

  /** Stops all work with everything committed, leaves the group, and closes the stores. */
  async close(): Promise<void> {
    // Without a broker a command at work may not end, and no word gets out: the group then learns by the session timeout.
    this.#keyTimer?.cancel();
    this.#stopping.abort();
    if (this.#running) await this.#within(PARTING_MS, this.#running);
    const assembly = this.#assembly;
    if (!assembly) return;
    await assembly.worker.close();
    await this.#within(PARTING_MS, this.#part(assembly));
    await this.#closeStores(assembly.stores);
  }

  /** Drops everything on the spot, as a crash would. */
  async abandon(): Promise<void> {
    this.#keyTimer?.cancel();
    this.#stopping.abort();
    const assembly = this.#assembly;
    if (!assembly) return;
    assembly.membership.abandon();
    await assembly.worker.abandon();
    await this.#closeStores(assembly.stores);
  }

  /** Runs a step as a command. @throws LoopEndedError when the herder is shutting down */
  run<T>(stage: string, step: () => Promise<T>): Promise<T> {
    return this.#commands.submit(stage, () => this.#stages.during(stage, step));
  }

  /**
   * Runs a step as a command while this worker leads the group (I7), waiting for a rebalance to end before.
   *
   * @param what names the request for a MisdirectedError.
   * @throws MisdirectedError when another worker leads.
   */
  async asLeader<T>(stage: string, what: string, step: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.membership.settled();
      const outcome = await this.run(stage, async () => {
        const { place } = this.membership;
        if (!place) return undefined; // A rebalance began while this command waited its turn.
        if (!place.isLeader) throw new MisdirectedError(place.leaderUrl, what);
        return { value: await step() };
      });
      if (outcome) return outcome.value;
    }
  }

  configs(): ConfigSnapshot {
    return this.stores.config.snapshot();
  }

  async readToEnd(): Promise<void> {
    await this.#stages.during("reading to the end of the config topic", () => this.stores.config.readToEnd());
  }

  async reconcile(): Promise<void> {
    await this.runner.carryOut(reconcile(this.membership.assigned, this.runner, this.configs()));
  }

  async onPlace(place: Place): Promise<void> {
    this.#wasReady = true;
    if (!place.isLeader) return;
    this.#removeStaleStatuses();
    if (place.sessioned) await this.#renewSessionKey();
  }

  /** Publishes task configs as the leader, or asks the leader to. */
  async publishTaskConfigs(connector: string, taskConfigs: readonly StoredProps[]): Promise<void> {
    try {
      await this.writeTaskConfigs(connector, taskConfigs);
    } catch (error) {
      if (!(error instanceof MisdirectedError) || error.url === undefined) throw error;
      await this.parts.postTaskConfigs(error.url, connector, taskConfigs);
    }
  }

  /** @throws MisdirectedError when another worker leads; NotFoundError when the connector is gone; ConflictError when it is stopped. */
  async writeTaskConfigs(connector: string, taskConfigs: readonly StoredProps[]): Promise<void> {
    const stage = `writing ${taskConfigs.length} task configs for connector ${connector} to the config topic`;
    await this.asLeader(stage, `Publishing task configs of ${connector}`, async () => {
      const entry = this.configs().connectors.get(connector);
      if (!entry) throw new NotFoundError("CONNECTOR_NOT_FOUND", `Connector ${connector} not found`);
      // Asked here, not before: these may have queued behind a stop, and what is STOPPED has no tasks.
      if (taskConfigs.length > 0 && entry.targetState === "STOPPED") {
        throw new ConflictError("CONNECTOR_NOT_RUNNING", `Connector ${connector} is stopped and can have no tasks`);
      }
      await this.stores.config.putTaskConfigs(connector, taskConfigs);
    });
  }

  get #assembled(): Assembly {
    if (!this.#assembly) throw new LoopEndedError("The request");
    return this.#assembly;
  }

  async #assemble(): Promise<void> {
    const { settings, parts } = this;
    const { clock, random, logger } = settings;
    const stores = await parts.openStores((events) => this.#onConfigEvents(events), this.#stopping.signal);
    const redactions = new Redactions();
    const reporter = new StatusReporter({
      redactions,
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
    const [worker] = await Promise.all([
      parts.createWorker(reporter, stores.offset, redactions),
      stores.config.start(),
      stores.offset.start(),
      stores.status.start(),
    ]);
    const publisher = new TaskConfigPublisher({
      worker,
      clock,
      random,
      logger,
      signal: this.#stopping.signal,
      redactions,
      configs: () => this.configs(),
      report: (connector, trace) => {
        const running = worker.connectors().find(({ name, state }) => name === connector && state === "RUNNING");
        if (running) reporter.connectorStatus(connector, "RUNNING", trace, running.version);
      },
      publish: (connector, taskConfigs) => this.publishTaskConfigs(connector, taskConfigs),
    });
    const runner = new WorkRunner({
      worker,
      reporter,
      logger,
      configs: () => this.configs(),
      resolve: (connector, props) => {
        const found = (reference: string, value: string) => redactions.of(connector).note(reference, value);
        return withoutNulls(resolveReferences(props, settings.providers, found));
      },
      connectorRuns: (connector) => publisher.request(connector),
    });
    const membership = new Membership({
      host: this,
      url: settings.url,
      protocol: settings.protocol,
      syncTimeoutMs: settings.syncTimeoutMs,
      maxRebalanceDelayMs: settings.maxRebalanceDelayMs,
      clock,
      logger,
      join: (callbacks, protocols) => parts.joinGroup(callbacks, protocols),
    });
    this.#assembly = { stores, worker, runner, publisher, membership };
  }

  #onConfigEvents(events: readonly ConfigEvent[]): void {
    for (const event of events) {
      if (event.kind === "logger-level") this.parts.onLoggerLevel(event.logger, event.level);
      if (event.kind !== "restart-requested") continue;
      const { request } = event;
      const waiting = this.#restarts.get(request.connector);
      this.#restarts.set(request.connector, waiting ? strongerRestart(waiting, request) : request);
    }
    if (this.#eventsPending) return;
    this.#eventsPending = true;
    this.run("applying config updates", () => this.#applyEvents()).catch((error: unknown) => {
      if (!(error instanceof LoopEndedError))
        this.settings.logger.error("Config updates could not be applied", {}, error);
    });
  }

  async #applyEvents(): Promise<void> {
    this.#eventsPending = false;
    await this.#applyRestarts();
    await this.reconcile();
    this.membership.rejoinIfOutdated();
  }

  async #applyRestarts(): Promise<void> {
    const { status } = this.stores;
    for (const [connector, request] of this.#restarts) {
      this.#restarts.delete(connector);
      const states = status.taskStatuses(connector).map(([task, { state }]) => [task, state] as const);
      const plan = planRestart(request, status.status({ connector })?.state ?? "UNASSIGNED", states);
      const tasks = plan.tasks
        .map((task) => ({ connector, task }))
        .filter((id) => this.membership.assigned.tasks.has(taskKey(id)));
      const own = plan.connector && this.membership.assigned.connectors.has(connector);
      await this.#stages.during(`handling restart request for connector ${connector}`, () =>
        this.runner.restart(own ? connector : undefined, tasks),
      );
    }
  }

  /** As the leader: statuses of what is no longer configured go. Whoever ran it has stopped it before this rebalance. */
  #removeStaleStatuses(): void {
    const { status } = this.stores;
    const { connectors } = this.configs();
    const { tasks } = configuredWork(this.configs());
    for (const connector of status.connectors()) {
      for (const [task] of status.taskStatuses(connector)) {
        if (!tasks.has(taskKey({ connector, task }))) status.put({ connector, task }, null);
      }
      if (connectors.has(connector)) continue;
      status.removeTopics(connector);
      if (status.status({ connector })) status.put({ connector }, null);
    }
  }

  /** As the leader: replaces the key when it is due, and sees to it that the next one comes in time. */
  async #renewSessionKey(): Promise<void> {
    const { clock, random, sessionKeyKind, sessionKeyTtlMs } = this.settings;
    if (isDue(this.configs().sessionKey, sessionKeyKind, sessionKeyTtlMs, clock.nowMs())) {
      await this.#stages.during("writing a new session key to the config topic", () =>
        this.stores.config.putSessionKey(newSessionKey(sessionKeyKind, clock, random)),
      );
    }
    this.#keyTimer?.cancel();
    if (sessionKeyTtlMs > 0) this.#keyTimer = clock.schedule(sessionKeyTtlMs, () => this.#onKeyDue());
  }

  #onKeyDue(): void {
    const renew = async () => {
      const { place } = this.membership;
      if (place?.isLeader && place.sessioned) await this.#renewSessionKey();
    };
    this.run("writing a new session key to the config topic", renew).catch((error: unknown) => {
      if (!(error instanceof LoopEndedError))
        this.settings.logger.warn("The session key could not be renewed", {}, error);
    });
  }

  async #within(timeoutMs: number, step: Promise<void>): Promise<void> {
    const done = new AbortController();
    try {
      await Promise.race([step, this.settings.clock.delay(timeoutMs, done.signal)]);
    } finally {
      done.abort();
    }
  }

  async #part({ stores, membership }: Assembly): Promise<void> {
    await stores.status.flush();
    await membership.leave();
  }

  async #closeStores({ config, offset, status }: Stores): Promise<void> {
    await Promise.all([config.close(), offset.close(), status.close()]);
  }
}

/** Nulls come from a Java worker's records only; a connector gets text. */
function withoutNulls(props: StoredProps): Record<string, string> {
  return Object.fromEntries(Object.entries(props).filter((entry): entry is [string, string] => entry[1] !== null));
}
