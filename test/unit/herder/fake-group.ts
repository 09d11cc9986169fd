import type { Clock } from "../../../src/api/index.js";
import { readMetadata, writePlace } from "../../../src/herder/membership/group-messages.js";
import { NO_WORK, type Work } from "../../../src/herder/work.js";
import type {
  GroupAssignment,
  GroupMember,
  GroupMemberCallbacks,
  GroupProtocol,
} from "../../../src/kafka/client/group-member.js";

export interface Elsewhere {
  readonly url: string;
  readonly work: Work;
  /** Number of records that it has read beyond this member's position in the config topic. */
  readonly ahead?: number;
}

/** Wait of the member after a failed callback. */
const BACK_OFF_MS = 1_000;

/**
 * A group of one, or one with another leader. Rebalances happen on request, at once. Like the real member, it rejoins
 * after a failed callback.
 */
export class FakeGroup {
  callbacks!: GroupMemberCallbacks;
  protocols!: () => readonly GroupProtocol[];
  generationId = 0;
  left = false;
  /** The member takes part in no further rebalance. */
  retired = false;
  /** Errors of rejected callbacks. */
  readonly failures: unknown[] = [];
  /** When set, a round waits for it: the other members have not joined yet. */
  gate: Promise<void> | undefined;
  /** Joins so far, those after failed callbacks included. */
  joins = 0;
  /** The assignment of another leader; undefined: this member leads. */
  elsewhere: Elsewhere | undefined;
  #rebalancing = false;
  #again = false;

  constructor(private readonly clock: Clock) {}

  join(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): GroupMember {
    this.callbacks = callbacks;
    this.protocols = protocols;
    return {
      start: () => void this.rebalance(),
      generation: undefined,
      requestRejoin: () => {
        this.#again = true;
        if (!this.#rebalancing && !this.retired) void this.rebalance();
      },
      retire: () => {
        this.retired = true;
      },
      leave: async () => {
        this.left = true;
      },
      abandon() {},
      async commitOffsets() {},
      async fetchOffsets() {
        return [];
      },
    };
  }

  /** Joins until no callback fails and none requests another round. */
  async rebalance(): Promise<void> {
    if (this.retired) return;
    this.#rebalancing = true;
    do {
      this.#again = false;
      this.joins++;
      try {
        await this.callbacks.onPrepare();
        const { name: protocol, metadata } = this.protocols()[0]!;
        await this.gate;
        this.generationId++;
        await this.callbacks.onAssigned(
          this.elsewhere ? this.#follower(protocol, metadata) : await this.#leader(protocol, metadata),
        );
      } catch (error) {
        this.failures.push(error);
        this.#again = true;
        await this.clock.delay(BACK_OFF_MS);
      }
    } while (this.#again && !this.retired && !this.left);
    this.#rebalancing = false;
  }

  /** Drops the member during any callback. It rejoins once `onLost` has run. */
  async lose(): Promise<void> {
    await this.callbacks.onLost(new Error("the session timed out"), 0);
    this.#again = true;
    if (!this.#rebalancing) await this.rebalance();
  }

  async #leader(protocol: string, metadata: Buffer): Promise<GroupAssignment> {
    const members = [{ memberId: "me", metadata }];
    const input = { protocol, generationId: this.generationId, leaderId: "me", members };
    const assignment = (await this.callbacks.assign(input)).get("me")!;
    return { generationId: this.generationId, memberId: "me", leaderId: "me", isLeader: true, protocol, assignment };
  }

  #follower(protocol: string, metadata: Buffer): GroupAssignment {
    const { url, work, ahead = 0 } = this.elsewhere!;
    const assignment = writePlace(protocol, {
      error: 0,
      leaderId: "other",
      leaderUrl: url,
      configOffset: readMetadata(metadata).configOffset + ahead,
      assigned: work,
      revoked: NO_WORK,
      delayMs: 0,
    });
    return {
      generationId: this.generationId,
      memberId: "me",
      leaderId: "other",
      isLeader: false,
      protocol,
      assignment,
    };
  }
}
