import { readMetadata, writePlace } from "../../../src/herder/membership/group-messages.js";
import { NO_WORK, type Work } from "../../../src/herder/work/work.js";
import type {
  GroupAssignment,
  GroupMember,
  GroupMemberCallbacks,
  GroupProtocol,
} from "../../../src/kafka/kafka-client.js";

/** A group of one, or one whose leader is elsewhere: rebalances happen when they are asked for, and at once. */
export class FakeGroup {
  callbacks!: GroupMemberCallbacks;
  protocols!: () => readonly GroupProtocol[];
  generationId = 0;
  left = false;
  /** What callbacks were rejected with; only a herder that is closing rejects them. */
  readonly failures: unknown[] = [];
  /** What another leader assigns; undefined: this member leads. */
  elsewhere: { readonly url: string; readonly work: Work } | undefined;
  #rebalancing = false;
  #again = false;

  join(callbacks: GroupMemberCallbacks, protocols: () => readonly GroupProtocol[]): GroupMember {
    this.callbacks = callbacks;
    this.protocols = protocols;
    return {
      start: () => this.#rebalanceAside(),
      generation: undefined,
      requestRejoin: () => {
        this.#again = true;
        if (!this.#rebalancing) this.#rebalanceAside();
      },
      retire() {},
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

  async rebalance(): Promise<void> {
    this.#rebalancing = true;
    do {
      this.#again = false;
      await this.callbacks.onPrepare();
      const { name: protocol, metadata } = this.protocols()[0]!;
      this.generationId++;
      await this.callbacks.onAssigned(
        this.elsewhere ? this.#follower(protocol, metadata) : await this.#leader(protocol, metadata),
      );
    } while (this.#again && !this.left);
    this.#rebalancing = false;
  }

  /** As the member's own loop does: a callback that fails is no reason to end. */
  #rebalanceAside(): void {
    this.rebalance().catch((error: unknown) => this.failures.push(error));
  }

  async #leader(protocol: string, metadata: Buffer): Promise<GroupAssignment> {
    const members = [{ memberId: "me", metadata }];
    const input = { protocol, generationId: this.generationId, leaderId: "me", members };
    const assignment = (await this.callbacks.assign(input)).get("me")!;
    return { generationId: this.generationId, memberId: "me", leaderId: "me", isLeader: true, protocol, assignment };
  }

  #follower(protocol: string, metadata: Buffer): GroupAssignment {
    const { url, work } = this.elsewhere!;
    const assignment = writePlace(protocol, {
      error: 0,
      leaderId: "other",
      leaderUrl: url,
      configOffset: readMetadata(metadata).configOffset,
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
