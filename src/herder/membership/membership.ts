import type { Clock, Logger, Timer } from "../../api/index.js";
import { LoopEndedError } from "../../base/command-loop.js";
import { deferred } from "../../base/deferred.js";
import type { TaskId } from "../../contract/task-id.js";
import type {
  GroupAssignment,
  GroupMember,
  GroupMemberCallbacks,
  GroupProtocol,
  LeaderInput,
} from "../../kafka/client/group-member.js";
import type { ConfigSnapshot } from "../../stores/config-fold.js";
import { intersection, isEmpty, minus, NO_WORK, taskKey, union, type Work, workOf } from "../work.js";
import {
  type Assignments,
  type AssignorMember,
  type AssignorMemory,
  assignEager,
  assignIncremental,
  lostWork,
  NO_MEMORY,
} from "./assignor.js";
import {
  CONFIG_MISMATCH,
  type ConnectProtocol,
  isIncremental,
  isSessioned,
  offeredProtocols,
  readMetadata,
  readPlace,
  writePlace,
} from "./group-messages.js";
import { type RebalanceReport, RebalanceTimes } from "./rebalance-times.js";

/** This worker's place in a generation in which it may work. */
export interface Place {
  readonly generation: number;
  readonly isLeader: boolean;
  readonly leaderUrl: string;
  /** The leader's config topic offset when it assigned. */
  readonly configOffset: number;
  /** Requests between workers are signed. */
  readonly sessioned: boolean;
}

/** This worker's member of the group, as the membership uses it. */
export type WorkerGroupMember = Pick<GroupMember, "start" | "requestRejoin" | "retire" | "leave" | "abandon"> & {
  /** There is no group: each round is logged at debug only. */
  readonly isAlone?: boolean;
};

/** The herder, as the membership uses it. */
export interface MembershipHost {
  /** Runs a step as a command of the herder's loop. @throws LoopEndedError once the herder is closing */
  run<T>(stage: string, step: () => Promise<T>): Promise<T>;
  configs(): ConfigSnapshot;
  /** @throws RetriableError after `timeoutMs` at the latest */
  readToEnd(timeoutMs: number): Promise<void>;
  /** Stops unassigned and starts assigned work. Resolves after the stops, once `reconciledWith` was called. */
  reconcile(): Promise<void>;
  /**
   * Stops everything at once, beside the command in progress. After `withinMs` late work is cancelled: from then on it
   * has no effect. Resolves once all work has stopped or is cancelled.
   */
  stopEverything(withinMs: number): Promise<void>;
  /**
   * The part of the work that does not run anywhere, as its last owner has reported. Reads the reports to their end, for
   * at most `timeoutMs`.
   */
  givenUp(work: Work, timeoutMs: number): Promise<Work>;
  /** Called when a place is taken. Must not fail, or the group would rebalance again. */
  onPlace(place: Place): void;
}

export interface MembershipOptions {
  readonly host: MembershipHost;
  /** This worker's advertised URL, with a trailing slash. */
  readonly url: string;
  readonly protocol: ConnectProtocol;
  readonly syncTimeoutMs: number;
  /** How long the work of a departed worker waits for its return. */
  readonly maxRebalanceDelayMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Creates the member; it joins at `start()`. */
  join(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): WorkerGroupMember;
}

const NOTHING = { assignments: new Map() as Assignments, delayMs: 0 };

/** Wait before rejoining when the config topic could not be read as far as the leader had. */
const BACK_OFF_MS = 1_000;

/** Consecutive rounds missed because the config topic is unreadable, after which this worker drops its work. */
const MOST_UNREAD_ROUNDS = 5;

/**
 * This worker's part in the group: its assigned work, the leader, and, while it leads itself, everyone's work. Commands
 * of the herder's loop change its state. So does `onLost`, which does not wait for commands: a command may hang as long
 * as Kafka does not answer, while this worker's work may already run elsewhere (I4). A command in progress when the
 * group is lost changes nothing afterwards.
 */
export class Membership implements GroupMemberCallbacks {
  readonly #member: WorkerGroupMember;
  readonly #rebalances = new RebalanceTimes();
  #assigned = NO_WORK;
  /** The configs with which this worker last reconciled. Other members may rely on its having applied them. */
  #reconciled: ConfigSnapshot | undefined;
  /** All members with work knew the configs up to here. Tasks committed later must not start yet. */
  #coveredOffset = 0;
  #unreadRounds = 0;
  /** Number of times the group was lost. */
  #losses = 0;
  #place: Place | undefined;
  #generation = 0;
  #incremental = true;
  #settled = deferred();
  /** Resolves when the place is lost, or given up for a rebalance. */
  #unsettled = deferred();
  #rejoining = false;
  #owners: ReadonlyMap<string, Work> = new Map();
  #memory: AssignorMemory = NO_MEMORY;
  #later: Timer | undefined;

  constructor(private readonly options: MembershipOptions) {
    this.#rebalances.begin(options.clock.monotonicMs());
    this.#member = options.join(this, () => this.#protocols());
  }

  start(): void {
    this.#member.start();
  }

  get assigned(): Work {
    return this.#assigned;
  }

  /** Undefined while the group rebalances, or does not answer. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** The generation of the last assignment, written into statuses. */
  get generation(): number {
    return this.#generation;
  }

  rebalances(): RebalanceReport {
    return this.#rebalances.report(this.options.clock.monotonicMs());
  }

  /** Resolves once this worker has a place. */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  /**
   * Resolves once this worker has a place that covers every change to connectors and tasks that it has read: all
   * members have stopped the tasks that these changes removed.
   */
  async covered(): Promise<void> {
    for (;;) {
      await this.settled();
      if (this.isCovered) return;
      await this.#unsettled.promise;
    }
  }

  /** This worker has a place that does not cover every change to connectors and tasks that it has read. */
  get isOutdated(): boolean {
    return this.#place !== undefined && this.#isOutdated(this.#place);
  }

  /** As `covered`, at this moment. */
  get isCovered(): boolean {
    return this.#place !== undefined && !this.#isOutdated(this.#place);
  }

  /** The URL of the worker with the connector or task. Only the leader knows it. */
  ownerOf(connector: string, task?: number): string | undefined {
    for (const [url, work] of this.#owners) {
      const has = task === undefined ? work.connectors.has(connector) : work.tasks.has(taskKey({ connector, task }));
      if (has) return url;
    }
    return undefined;
  }

  /** Rejoins if connectors or tasks were added or removed since the leader assigned. */
  rejoinIfOutdated(): void {
    if (this.isOutdated) this.#rejoin("connectors or tasks were added or removed");
  }

  /** Called whenever everything that these configs replace has stopped here. Newer ones may have been before. */
  reconciledWith(configs: ConfigSnapshot): void {
    if (configs.offset >= (this.#reconciled?.offset ?? 0)) this.#reconciled = configs;
  }

  /** Whether a task assigned here may start: every member has stopped the tasks that its commit replaced. (I4) */
  mayRunTask(id: TaskId, tasksOffset: number): boolean {
    return this.#assigned.tasks.has(taskKey(id)) && tasksOffset < this.#coveredOffset;
  }

  /** For a herder that closes: stays a member without rejoining, so that no other worker takes over unfinished work. */
  retire(): void {
    this.#member.retire();
  }

  /** Leaves, so that others take over at once. All work must have stopped before. */
  async leave(): Promise<void> {
    this.#end();
    await this.#member.leave();
  }

  /** Ends without a message, as a crash would. */
  abandon(): void {
    this.#end();
    this.#member.abandon();
  }

  onPrepare(): Promise<void> {
    return this.#command("ensuring membership in the cluster", async () => {
      this.#unsettle();
      this.#rejoining = false;
      if (!this.#incremental) this.#assigned = NO_WORK;
      await this.options.host.reconcile();
    });
  }

  /** Not a command: the group waits for it, and it changes nothing that commands read. */
  async assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>> {
    const { host } = this.options;
    const members = input.members.map(({ memberId, metadata }) => ({ memberId, ...readMetadata(metadata) }));
    const newest = Math.max(...members.map(({ configOffset }) => configOffset));
    if (host.configs().offset < newest) await this.#catchUp(newest);
    const configs = host.configs();
    const isBehind = configs.offset < newest || members.some((member) => runsReplacedTasks(member, configs));
    const leaderUrl = members.find(({ memberId }) => memberId === input.leaderId)?.url ?? this.options.url;
    const { assignments, delayMs } = isBehind ? NOTHING : await this.#deal(input, members, configuredWork(configs));
    const owners = new Map<string, Work>();
    const places = new Map<string, Buffer>();
    for (const { memberId, url, held } of members) {
      const { assigned, revoked } = assignments.get(memberId) ?? { assigned: NO_WORK, revoked: NO_WORK };
      owners.set(url, union(minus(held, revoked), assigned));
      places.set(
        memberId,
        writePlace(input.protocol, {
          error: isBehind ? CONFIG_MISMATCH : 0,
          leaderId: input.leaderId,
          leaderUrl,
          configOffset: Math.max(newest, configs.offset),
          assigned,
          revoked,
          delayMs,
        }),
      );
    }
    this.#owners = owners;
    return places;
  }

  onAssigned(assignment: GroupAssignment): Promise<void> {
    return this.#command("starting and stopping connectors and tasks after a rebalance", (isMember) =>
      this.#takePlace(assignment, isMember),
    );
  }

  async onLost(error: Error, leftMs: number): Promise<void> {
    this.options.logger.warn(
      "This worker has lost its place in the group; everything here stops until it has joined again",
      {
        why: error.message,
      },
    );
    this.#losses++;
    this.#unsettle();
    this.#assigned = NO_WORK; // I4: it may already run elsewhere
    // No work must wait for the old member: this worker returns with another id and without work.
    this.#memory = NO_MEMORY;
    await this.options.host.stopEverything(leftMs);
  }

  /**
   * Runs a callback's step as a command, unless the group is lost before its turn. A closing herder runs no more
   * commands: it accepts no new work, finishes its stops, and leaves.
   */
  async #command(stage: string, step: (isMember: () => boolean) => Promise<void>): Promise<void> {
    const losses = this.#losses;
    const isMember = () => losses === this.#losses;
    try {
      await this.options.host.run(stage, async () => {
        if (isMember()) await step(isMember);
      });
    } catch (error) {
      if (!(error instanceof LoopEndedError)) throw error;
    }
  }

  #protocols(): readonly GroupProtocol[] {
    const { host, protocol, url } = this.options;
    // Not the newest configs: a commit that was read but not applied leaves the replaced tasks running.
    const configs = this.#reconciled ?? host.configs();
    // Work no longer in the config topic has stopped: claiming it would only cost a round to revoke it. It is dropped
    // for good: if it returns, the leader may assign it to another worker. (I4)
    this.#assigned = intersection(this.#assigned, configuredWork(configs));
    return offeredProtocols(protocol, { url, configOffset: configs.offset, held: this.#assigned });
  }

  #unsettle(): void {
    this.#later?.cancel();
    this.#later = undefined;
    this.#place = undefined;
    this.#rebalances.begin(this.options.clock.monotonicMs());
    this.#owners = new Map();
    if (this.#settled.settled) this.#settled = deferred();
    this.#unsettled.resolve();
    this.#unsettled = deferred();
  }

  #isOutdated(place: Place): boolean {
    return this.options.host.configs().shapeOffset > place.configOffset;
  }

  async #deal(
    { protocol, generationId }: LeaderInput,
    members: readonly AssignorMember[],
    configured: Work,
  ): Promise<{ readonly assignments: Assignments; readonly delayMs: number }> {
    if (!isIncremental(protocol)) {
      const memberIds = members.map(({ memberId }) => memberId);
      return { assignments: assignEager(configured, memberIds), delayMs: 0 };
    }
    const known = { configured, members, memory: this.#memory, completedGenerationId: this.#generation };
    const lost = lostWork(known);
    const { host, syncTimeoutMs } = this.options;
    const outcome = assignIncremental({
      ...known,
      givenUp: isEmpty(lost) ? NO_WORK : await host.givenUp(lost, syncTimeoutMs),
      generationId,
      nowMs: this.options.clock.monotonicMs(),
      maxDelayMs: this.options.maxRebalanceDelayMs,
    });
    this.#memory = outcome.memory;
    return outcome;
  }

  async #takePlace(
    { assignment, generationId, isLeader, protocol }: GroupAssignment,
    isMember: () => boolean,
  ): Promise<void> {
    const { host, logger } = this.options;
    this.#generation = generationId;
    this.#incremental = isIncremental(protocol);
    if (assignment.length === 0) return this.#rejoinLater("the leader sent no assignment");
    const place = readPlace(assignment);
    if (place.error !== 0 || place.configOffset > host.configs().offset) await this.#catchUp(place.configOffset);
    if (!isMember()) return;
    if (place.configOffset > host.configs().offset) return this.#missConfigs();
    this.#unreadRounds = 0;
    if (place.error !== 0) return this.#rejoinLater("a member had not acted upon the config topic as far as others");
    this.#assigned = this.#incremental ? union(minus(this.#assigned, place.revoked), place.assigned) : place.assigned;
    this.#coveredOffset = place.configOffset;
    await host.reconcile();
    if (!isMember()) return;
    logger[this.#member.isAlone ? "debug" : "info"]("Joined the group", {
      generation: generationId,
      leader: place.leaderUrl,
      connectors: this.#assigned.connectors.size,
      tasks: this.#assigned.tasks.size,
    });
    // Revoked work has stopped and can now be dealt to others.
    if (!isEmpty(place.revoked)) return this.#rejoin("connectors or tasks were revoked");
    this.#place = {
      generation: generationId,
      isLeader,
      leaderUrl: place.leaderUrl,
      configOffset: place.configOffset,
      sessioned: isSessioned(protocol),
    };
    if (place.delayMs > 0) {
      this.#later = this.options.clock.schedule(place.delayMs, () => this.#rejoin("the delay for lost work is over"));
    }
    host.onPlace(this.#place);
    this.#rebalances.end(this.options.clock.monotonicMs());
    this.#settled.resolve();
    this.rejoinIfOutdated();
  }

  /** Other members wait for this worker to read the topic. In the end it holds nothing that they could wait for. */
  async #missConfigs(): Promise<void> {
    if (++this.#unreadRounds >= MOST_UNREAD_ROUNDS && !isEmpty(this.#assigned)) {
      this.options.logger.error(
        "The config topic cannot be read: everything here stops, so that other workers can take over",
      );
      this.#assigned = NO_WORK;
      await this.options.host.reconcile();
    }
    this.#rejoinLater("the config topic could not be read as far as the leader had");
  }

  /** Reads the config topic to its end, for at most `worker.sync.timeout.ms`. */
  async #catchUp(configOffset: number): Promise<void> {
    const { host, logger, syncTimeoutMs } = this.options;
    try {
      await host.readToEnd(syncTimeoutMs);
    } catch (error) {
      logger.warn("The config topic could not be read for a rebalance", { configOffset }, error);
    }
  }

  #rejoin(reason: string): void {
    if (this.#rejoining) return;
    this.#rejoining = true;
    this.#member.requestRejoin(reason);
  }

  /** For good: no place will follow. */
  #end(): void {
    this.#later?.cancel();
    this.#place = undefined;
    this.#settled.reject(new LoopEndedError("The request"));
    this.#unsettled.reject(new LoopEndedError("The request"));
  }

  #rejoinLater(reason: string): void {
    this.options.logger.warn("Joining the group again", { why: reason });
    this.#later = this.options.clock.schedule(BACK_OFF_MS, () => this.#rejoin(reason));
  }
}

/**
 * Whether a member holds tasks whose replacements are committed and that it has not stopped yet. No member may start
 * the replacements before (I4). The interleaving: tasks c-0 and c-1, on workers A and B, swap their tables by a new
 * commit. A reads it first, stops the old c-0, joins, and starts the new c-0 on the table that B's old c-1 is still
 * reading.
 */
function runsReplacedTasks({ held, configOffset }: AssignorMember & { configOffset: number }, configs: ConfigSnapshot) {
  return [...held.tasks.values()].some(
    ({ connector }) => (configs.connectors.get(connector)?.tasksOffset ?? -1) >= configOffset,
  );
}

/** All configured work: every connector, and the tasks that may run. (I5) */
function configuredWork(configs: ConfigSnapshot): Work {
  return workOf(
    configs.connectors.keys(),
    [...configs.connectors].flatMap(([connector, { taskConfigs }]) =>
      taskConfigs.map((_, task) => ({ connector, task })),
    ),
  );
}
