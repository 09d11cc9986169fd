import { ConflictError, type Logger } from "../../api/index.js";
import type {
  GroupAssignment,
  GroupMember,
  GroupMemberCallbacks,
  GroupMemberOptions,
  LeaderInput,
} from "../../kafka/client/group-member.js";
import {
  DUPLICATE_URLS,
  electLeader,
  type Identity,
  type LeaderAssignment,
  PROTOCOL,
  PROTOCOL_TYPE,
  readAssignment,
  readIdentity,
  urlOf,
  writeAssignment,
  writeIdentity,
} from "./group-messages.js";

/** Who leads, as long as this member belongs to its group. */
export interface LeaderPlace {
  /** Another object for each time that this registry begins to lead. */
  readonly term: object | undefined;
  /** The leader's URL; undefined if no member may lead. */
  readonly url: string | undefined;
}

export interface LeadershipOptions {
  readonly groupId: string;
  readonly identity: Omit<Identity, "isLeader">;
  readonly isSticky: boolean;
  readonly logger: Logger;
  join(options: GroupMemberOptions, callbacks: GroupMemberCallbacks): GroupMember;
  /** Called once when this registry cannot belong to the group. */
  onFailed(error: Error): void;
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 3_000;
const REBALANCE_MS = 300_000;

/** This registry's part in the election of a leader, by Kafka's group protocol (type `sr`). */
export class Leadership implements GroupMemberCallbacks {
  readonly #member: GroupMember;
  #place: LeaderPlace | undefined;
  #wasLeader = false;

  constructor(private readonly options: LeadershipOptions) {
    const member: GroupMemberOptions = {
      groupId: options.groupId,
      protocolType: PROTOCOL_TYPE,
      protocols: () => [{ name: PROTOCOL, metadata: writeIdentity(this.#identity) }],
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: HEARTBEAT_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      coordinatorTimeoutMs: HEARTBEAT_MS,
    };
    this.#member = options.join(member, this);
  }

  start(): void {
    this.#member.start();
  }

  /** Undefined while the group elects, or does not answer. */
  get place(): LeaderPlace | undefined {
    return this.#place;
  }

  /** Leaves the group, so that another registry leads at once. */
  async close(): Promise<void> {
    this.#place = undefined;
    await this.#member.leave();
  }

  async assign({ members }: LeaderInput): Promise<ReadonlyMap<string, Buffer>> {
    const identities = new Map(members.map(({ memberId, metadata }) => [memberId, readIdentity(metadata)]));
    const assignment = writeAssignment(electLeader(identities, this.options.isSticky));
    return new Map(members.map(({ memberId }) => [memberId, assignment]));
  }

  async onPrepare(): Promise<void> {
    this.#place = undefined;
  }

  async onAssigned({ assignment, memberId }: GroupAssignment): Promise<void> {
    const { error, leader }: LeaderAssignment = readAssignment(assignment);
    if (error === DUPLICATE_URLS) {
      const url = urlOf(this.#identity);
      this.options.onFailed(
        new ConflictError(
          "REGISTRY_URL_TAKEN",
          `Two members of the schema registry's group ${this.options.groupId} advertise one URL, perhaps this one's, ${url}: give each a unique address with listeners, host.name and host.port`,
        ),
      );
      return;
    }
    this.#wasLeader = leader?.memberId === memberId;
    const url = leader && urlOf(leader.identity);
    this.#place = { term: this.#wasLeader ? {} : undefined, url };
    this.options.logger.info("The schema registry's group has a leader", { leader: url ?? "(none)" });
  }

  async onLost(error: Error): Promise<void> {
    this.#place = undefined;
    this.#wasLeader = false;
    this.options.logger.warn("The schema registry has lost its group; writes wait", {}, error);
  }

  get #identity(): Identity {
    return { ...this.options.identity, isLeader: this.#wasLeader };
  }
}
