import type { Clock, Logger, Timer } from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
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
  readonly isLeader: boolean;
  readonly leaderUrl: string;
  /** How far the config topic had been read when the leader assigned. */
  readonly configOffset: number;
  /** Requests between workers are signed. */
  readonly sessioned: boolean;
}

/** What the membership needs of the herder. */
export interface MembershipHost {
  /** Runs a step as a command of the herder's loop. */
  run<T>(stage: string, step: () => Promise<T>): Promise<T>;
  configs(): ConfigSnapshot;
  readToEnd(): Promise<void>;
  /** Stops what is not assigned, starts what is. Resolves once the stops are done. */
  reconcile(): Promise<void>;
  /** The place was taken. */
  onPlace(place: Place): Promise<void>;
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

/**
 * This worker's part in the group: what it is assigned, who leads, and, while it leads itself, who has what. Its state
 * is written by commands of the herder's loop only.
 */
export class Membership implements GroupMemberCallbacks {
  readonly #member: GroupMember;
  #assigned = NO_WORK;
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

  /** Leaves, so that others take over at once. What runs must have been stopped before. */
  async leave(): Promise<void> {
    this.#later?.cancel();
    await this.#member.leave();
  }

  /** Ends without a word, as a crash would. */
  abandon(): void {
    this.#later?.cancel();
    this.#member.abandon();
  }

  onPrepare(): Promise<void> {
    return this.options.host.run("ensuring membership in the cluster", async () => {
      this.#unsettle();
      this.#rejoining = false;
      if (!this.#incremental) this.#assigned = NO_WORK;
      await this.options.host.reconcile();
    });
  }

  async assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>> {
    return this.options.host.run("assigning connectors and tasks to workers", () => this.#assign(input));
  }

  onAssigned(assignment: GroupAssignment): Promise<void> {
    return this.options.host.run("starting and stopping connectors and tasks after a rebalance", () =>
      this.#takePlace(assignment),
    );
  }

  onLost(error: Error): Promise<void> {
    return this.options.host.run("stopping connectors and tasks after the group was lost", async () => {
      this.options.logger.warn("The group has dropped this worker; everything here stops until it has joined again", {
        why: error.message,
      });
      this.#unsettle();
      this.#assigned = NO_WORK; // I4: it may run elsewhere by now.
      // Nobody is to wait for the member that this worker was: it comes back under another id, holding nothing.
      this.#memory = NO_MEMORY;
      await this.options.host.reconcile();
    });
  }

  #protocols(): readonly GroupProtocol[] {
    const { host, protocol, url } = this.options;
    const configs = host.configs();
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

  async #assign(input: LeaderInput): Promise<ReadonlyMap<string, Buffer>> {
    const { host } = this.options;
    const members = input.members.map(({ memberId, metadata }) => ({ memberId, ...readMetadata(metadata) }));
    const newest = Math.max(...members.map(({ configOffset }) => configOffset));
    if (host.configs().offset < newest) await host.readToEnd();
    const configs = host.configs();
    const behind = configs.offset < newest;
    const leaderUrl = members.find(({ memberId }) => memberId === input.leaderId)?.url ?? this.options.url;
    const { assignments, delayMs } = behind ? NOTHING : this.#deal(input, members, configuredWork(configs));
    const owners = new Map<string, Work>();
    const places = new Map<string, Buffer>();
    for (const { memberId, url, held } of members) {
      const { assigned, revoked } = assignments.get(memberId) ?? { assigned: NO_WORK, revoked: NO_WORK };
      owners.set(url, union(minus(held, revoked), assigned));
      places.set(
        memberId,
        writePlace(input.protocol, {
          error: behind ? CONFIG_MISMATCH : 0,
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

  async #takePlace({ assignment, generationId, isLeader, protocol }: GroupAssignment): Promise<void> {
    const { host, logger } = this.options;
    this.#generation = generationId;
    this.#incremental = isIncremental(protocol);
    if (assignment.length === 0) return this.#rejoinLater("the leader sent no assignment");
    const place = readPlace(assignment);
    if (place.error !== 0 || place.configOffset > host.configs().offset) await this.#catchUp(place.configOffset);
    if (place.error !== 0) return this.#rejoinLater("the leader had not read the config topic as far as others");
    if (place.configOffset > host.configs().offset) {
      return this.#rejoinLater("the config topic could not be read as far as the leader had");
    }
    this.#assigned = this.#incremental ? union(minus(this.#assigned, place.revoked), place.assigned) : place.assigned;
    await host.reconcile();
    logger.info("Joined the group", {
      generation: generationId,
      leader: place.leaderUrl,
      connectors: this.#assigned.connectors.size,
      tasks: this.#assigned.tasks.size,
    });
    // What was given up can be dealt out to others now that it has stopped.
    if (!isEmpty(place.revoked)) return this.#rejoin("connectors or tasks were revoked");
    this.#place = {
      isLeader,
      leaderUrl: place.leaderUrl,
      configOffset: place.configOffset,
      sessioned: isSessioned(protocol),
    };
    if (place.delayMs > 0) {
      this.#later = this.options.clock.schedule(place.delayMs, () => this.#rejoin("the delay for lost work is over"));
    }
    await host.onPlace(this.#place);
    this.#settled.resolve();
    this.rejoinIfOutdated();
  }

  /** Reads the config topic to its end, for at most `worker.sync.timeout.ms`. */
  async #catchUp(configOffset: number): Promise<void> {
    const { host, clock, logger, syncTimeoutMs } = this.options;
    const timeout = new AbortController();
    try {
      await Promise.race([host.readToEnd(), clock.delay(syncTimeoutMs, timeout.signal)]);
    } catch (error) {
      logger.warn("The config topic could not be read after a rebalance", { configOffset }, error);
    } finally {
      timeout.abort();
    }
  }

  #rejoin(reason: string): void {
    if (this.#rejoining) return;
    this.#rejoining = true;
    this.#member.requestRejoin(reason);
  }

  #rejoinLater(reason: string): void {
    this.options.logger.warn("Joining the group again", { why: reason });
    this.#later = this.options.clock.schedule(BACK_OFF_MS, () => this.#rejoin(reason));
  }
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
