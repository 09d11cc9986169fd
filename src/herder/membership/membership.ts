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
} from "../../kafka/kafka-client.js";
import type { ConfigSnapshot } from "../../stores/config-fold.js";
import { intersection, isEmpty, minus, NO_WORK, taskKey, union, type Work, workOf } from "../work/work.js";
import {
  type Assignments,
  type AssignorMember,
  type AssignorMemory,
  assignEager,
  assignIncremental,
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

/** Where this worker stands in a generation that it may work in. */
export interface Place {
  readonly generation: number;
  readonly isLeader: boolean;
  readonly leaderUrl: string;
  /** How far the config topic had been read when the leader assigned. */
  readonly configOffset: number;
  /** Requests between workers are signed. */
  readonly sessioned: boolean;
}

/** What the membership needs of the herder. */
export interface MembershipHost {
  /** Runs a step as a command of the herder's loop. @throws LoopEndedError once the herder is closing */
  run<T>(stage: string, step: () => Promise<T>): Promise<T>;
  configs(): ConfigSnapshot;
  /** @throws RetriableError after `timeoutMs` at the latest */
  readToEnd(timeoutMs: number): Promise<void>;
  /** Stops what is not assigned, starts what is. Resolves once the stops are done and `reconciledWith` was called. */
  reconcile(): Promise<void>;
  /**
   * Stops everything at once, beside the command at work. Resolves once it has stopped; what has not within `withinMs` is
   * cancelled then: nothing that it still does counts.
   */
  stopEverything(withinMs: number): Promise<void>;
  /** The place was taken. Must not fail: the group would rebalance again. */
  onPlace(place: Place): void;
}

export interface MembershipOptions {
  readonly host: MembershipHost;
  /** This worker's advertised URL, with a slash at its end. */
  readonly url: string;
  readonly protocol: ConnectProtocol;
  readonly syncTimeoutMs: number;
  /** How long the work of a worker that left waits for it to come back. */
  readonly maxRebalanceDelayMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the member; it joins at `start()`. */
  join(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): GroupMember;
}

const NOTHING = { assignments: new Map() as Assignments, delayMs: 0 };

/** How long to wait before joining again when the config topic could not be read as far as the leader had. */
const BACK_OFF_MS = 1_000;

/** Rounds in a row that could not be taken for want of the config topic, before this worker gives up what it runs. */
const MOST_UNREAD_ROUNDS = 5;

/**
 * This worker's part in the group: what it is assigned, who leads, and, while it leads itself, who has what. Its state
 * is written by commands of the herder's loop, and by `onLost`, which waits for none: a command may hang for as long as
 * Kafka does not answer, and what runs here may by then run elsewhere, too (I4). A command that was under way when the
 * group was lost changes nothing afterwards.
 */
export class Membership implements GroupMemberCallbacks {
  readonly #member: GroupMember;
  #assigned = NO_WORK;
  /** The configs that everything here was last reconciled with: what other members may take this one to have read. */
  #reconciled: ConfigSnapshot | undefined;
  /** The configs up to here were known to all members that were dealt work: tasks committed later may not start yet. */
  #coveredOffset = 0;
  #unreadRounds = 0;
  /** How often the group was lost. */
  #losses = 0;
  #place: Place | undefined;
  #generation = 0;
  #incremental = true;
  #settled = deferred();
  #rejoining = false;
  #owners: ReadonlyMap<string, Work> = new Map();
  #memory: AssignorMemory = NO_MEMORY;
  #later: Timer | undefined;

  constructor(private readonly options: MembershipOptions) {
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

  /** Of the last assignment: what statuses carry. */
  get generation(): number {
    return this.#generation;
  }

  /** Resolves once there is a place. */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** The URL of the worker that has the connector, or the task; known to the leader only. */
  ownerOf(connector: string, task?: number): string | undefined {
    for (const [url, work] of this.#owners) {
      const has = task === undefined ? work.connectors.has(connector) : work.tasks.has(taskKey({ connector, task }));
      if (has) return url;
    }
    return undefined;
  }

  /** Joins again when connectors or tasks have come or gone since the leader assigned. */
  rejoinIfOutdated(): void {
    if (this.#place && this.options.host.configs().shapeOffset > this.#place.configOffset) {
      this.#rejoin("connectors or tasks have come or gone");
    }
  }

  /** Called whenever everything that these configs replace has stopped here. */
  reconciledWith(configs: ConfigSnapshot): void {
    this.#reconciled = configs;
  }

  /** Whether a task that is assigned here may start: every member has stopped the tasks that its commit replaced. (I4) */
  mayRunTask(id: TaskId, tasksOffset: number): boolean {
    return this.#assigned.tasks.has(taskKey(id)) && tasksOffset < this.#coveredOffset;
  }

  /** Joins no more, and stays a member: nobody is to take over what is still being stopped. For a herder that closes. */
  retire(): void {
    this.#member.retire();
  }

  /** Leaves, so that others take over at once. What runs must have been stopped before. */
  async leave(): Promise<void> {
    this.#end();
    await this.#member.leave();
  }

  /** Ends without a word, as a crash would. */
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

  /** Not a command: the group waits for it, and it changes nothing that commands look at. */
  async assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>> {
    const { host } = this.options;
    const members = input.members.map(({ memberId, metadata }) => ({ memberId, ...readMetadata(metadata) }));
    const newest = Math.max(...members.map(({ configOffset }) => configOffset));
    if (host.configs().offset < newest) await this.#catchUp(newest);
    const configs = host.configs();
    const isBehind = configs.offset < newest || members.some((member) => runsReplacedTasks(member, configs));
    const leaderUrl = members.find(({ memberId }) => memberId === input.leaderId)?.url ?? this.options.url;
    const { assignments, delayMs } = isBehind ? NOTHING : this.#deal(input, members, configuredWork(configs));
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
    this.options.logger.warn("The group has dropped this worker; everything here stops until it has joined again", {
      why: error.message,
    });
    this.#losses++;
    this.#unsettle();
    this.#assigned = NO_WORK; // I4: it may run elsewhere by now.
    // Nobody is to wait for the member that this worker was: it comes back under another id, holding nothing.
    this.#memory = NO_MEMORY;
    await this.options.host.stopEverything(leftMs);
  }

  /**
   * Runs a callback's step as a command, unless the group is lost before its turn. A herder that closes runs no more
   * commands: it takes no new work, keeps what it is stopping, and leaves.
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
    // Not the newest: a commit that was read and not acted upon leaves the tasks that it replaces running.
    const configs = this.#reconciled ?? host.configs();
    // What is gone from the config topic has been stopped: saying that we hold it would only cost a round to revoke it.
    // It is forgotten here for good: should it come back, the leader may give it to another worker. (I4)
    this.#assigned = intersection(this.#assigned, configuredWork(configs));
    return offeredProtocols(protocol, { url, configOffset: configs.offset, held: this.#assigned });
  }

  #unsettle(): void {
    this.#later?.cancel();
    this.#later = undefined;
    this.#place = undefined;
    this.#owners = new Map();
    if (this.#settled.settled) this.#settled = deferred();
  }

  #deal(
    { protocol, generationId }: LeaderInput,
    members: readonly AssignorMember[],
    configured: Work,
  ): { readonly assignments: Assignments; readonly delayMs: number } {
    if (!isIncremental(protocol)) {
      const memberIds = members.map(({ memberId }) => memberId);
      return { assignments: assignEager(configured, memberIds), delayMs: 0 };
    }
    const outcome = assignIncremental({
      configured,
      members,
      memory: this.#memory,
      completedGenerationId: this.#generation,
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
    logger.info("Joined the group", {
      generation: generationId,
      leader: place.leaderUrl,
      connectors: this.#assigned.connectors.size,
      tasks: this.#assigned.tasks.size,
    });
    // What was given up can be dealt out to others now that it has stopped.
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
    this.#settled.resolve();
    this.rejoinIfOutdated();
  }

  /** Others wait for this worker to read what it cannot read; in the end it holds nothing that they could wait for. */
  async #missConfigs(): Promise<void> {
    if (++this.#unreadRounds >= MOST_UNREAD_ROUNDS && !isEmpty(this.#assigned)) {
      this.options.logger.error("The config topic cannot be read: everything here stops, for others to take over");
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

  /** For good: no place comes any more. */
  #end(): void {
    this.#later?.cancel();
    this.#place = undefined;
    this.#settled.reject(new LoopEndedError("The request"));
  }

  #rejoinLater(reason: string): void {
    this.options.logger.warn("Joining the group again", { why: reason });
    this.#later = this.options.clock.schedule(BACK_OFF_MS, () => this.#rejoin(reason));
  }
}

/**
 * Whether a member holds tasks whose replacements are committed and that it has not stopped yet. Nobody may start the
 * replacements before (I4). The interleaving: tasks c-0 and c-1, on workers A and B, swap their tables by a new commit.
 * A reads it first, stops the old c-0, joins, and starts the new c-0 on the table that B's old c-1 is still reading.
 */
function runsReplacedTasks({ held, configOffset }: AssignorMember & { configOffset: number }, configs: ConfigSnapshot) {
  return [...held.tasks.values()].some(
    ({ connector }) => (configs.connectors.get(connector)?.tasksOffset ?? -1) >= configOffset,
  );
}

/** Everything that is configured: all connectors, and the tasks that may run. (I5) */
export function configuredWork(configs: ConfigSnapshot): Work {
  return workOf(
    configs.connectors.keys(),
    [...configs.connectors].flatMap(([connector, { taskConfigs }]) =>
      taskConfigs.map((_, task) => ({ connector, task })),
    ),
  );
}
