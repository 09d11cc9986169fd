import type { Clock, Logger, Random } from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { GroupMemberCallbacks, GroupProtocol } from "../../kafka/client/group-member.js";
import type { WorkerGroupMember } from "./membership.js";

export interface LoneMemberOptions {
  readonly callbacks: Pick<GroupMemberCallbacks, "assign" | "onPrepare" | "onAssigned">;
  protocols(): readonly GroupProtocol[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const MEMBER_ID = "standalone";

/**
 * The only member of a group that needs no coordinator: a standalone worker's. Always the leader, it goes through the
 * same rounds as a member of a real group, and never loses its place.
 */
export class LoneMember implements WorkerGroupMember {
  readonly isAlone = true;
  readonly #ending = new AbortController();
  /** Resolved when another round is wanted. */
  #wanted: Deferred<void> = deferred();
  #generationId = 0;
  #rounds: Promise<void> = Promise.resolve();

  constructor(private readonly options: LoneMemberOptions) {}

  start(): void {
    this.#rounds = this.#run();
    mustRun("The rounds of the standalone worker", this.#rounds);
  }

  requestRejoin(): void {
    this.#wanted.resolve();
  }

  retire(): void {
    this.#ending.abort();
    this.#wanted.resolve();
  }

  async leave(): Promise<void> {
    this.retire();
    await this.#rounds;
  }

  abandon(): void {
    this.retire();
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.options;
    const { signal } = this.#ending;
    const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 }, random);
    while (!signal.aborted) {
      this.#wanted = deferred(); // before the round, so that a request during it is not lost
      try {
        await this.#round(signal);
        backoff.reset();
        if (!signal.aborted) await this.#wanted.promise;
      } catch (error) {
        logger.error("Connectors and tasks could not be assigned; it is tried again", {}, error);
        await clock.delay(backoff.nextMs(), signal);
      }
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { callbacks, protocols } = this.options;
    await callbacks.onPrepare();
    if (signal.aborted) return;
    const { name, metadata } = protocols()[0]!;
    const generationId = ++this.#generationId;
    const members = [{ memberId: MEMBER_ID, metadata }];
    const places = await callbacks.assign({ protocol: name, generationId, leaderId: MEMBER_ID, members });
    await callbacks.onAssigned({
      generationId,
      memberId: MEMBER_ID,
      leaderId: MEMBER_ID,
      isLeader: true,
      protocol: name,
      assignment: places.get(MEMBER_ID) ?? Buffer.alloc(0),
    });
  }
}
