import type { CurrentAssignment } from "./consumer-member.js";

const NEVER = Number.POSITIVE_INFINITY;

interface Deadlines {
  sessionMs: number;
  /** Until when it must have given up partitions at this epoch; undefined: there is nothing to give up. */
  revocation: { readonly epoch: number; readonly untilMs: number } | undefined;
  /** Until when a member that uses the classic protocol must have sent JoinGroup, which it was asked for. */
  joinMs: number;
  /** Until when it must have sent SyncGroup. */
  syncMs: number;
}

/** When the members of a group are overdue. Times are monotonic milliseconds. */
export class MemberDeadlines {
  readonly #members = new Map<string, Deadlines>();

  /** The member has sent a heartbeat. */
  touch(memberId: string, sessionMs: number): void {
    this.#of(memberId).sessionMs = sessionMs;
  }

  /** The member's assignment has changed. @param revocationMs until when it must give up what it has to. */
  moved(memberId: string, { state, memberEpoch }: CurrentAssignment, revocationMs: number): void {
    this.#of(memberId).revocation = state === "unrevoked" ? { epoch: memberEpoch, untilMs: revocationMs } : undefined;
  }

  /** A member that uses the classic protocol is asked to join, maybe not for the first time. */
  askedToJoin(memberId: string, joinMs: number): void {
    const deadlines = this.#of(memberId);
    deadlines.joinMs = Math.min(deadlines.joinMs, joinMs);
  }

  /** It has joined. @param syncMs until when it must send SyncGroup; infinity: it uses the consumer protocol. */
  joined(memberId: string, syncMs: number): void {
    Object.assign(this.#of(memberId), { joinMs: NEVER, syncMs });
  }

  /** It has sent SyncGroup. */
  synced(memberId: string): void {
    this.#of(memberId).syncMs = NEVER;
  }

  next(): number {
    let next = NEVER;
    for (const deadlines of this.#members.values()) {
      next = Math.min(next, endOf(deadlines), deadlines.revocation?.untilMs ?? NEVER);
    }
    return next;
  }

  /**
   * The members that are overdue. Those that are no longer members are forgotten only here: a change may be reverted.
   *
   * @param currentOf undefined: no longer a member.
   */
  overdue(nowMs: number, currentOf: (memberId: string) => CurrentAssignment | undefined): string[] {
    const late: string[] = [];
    for (const [memberId, deadlines] of this.#members) {
      const { revocation } = deadlines;
      const current = currentOf(memberId);
      const stillHas = current?.state === "unrevoked" && current.memberEpoch === revocation?.epoch;
      const isLate = endOf(deadlines) <= nowMs || (revocation && revocation.untilMs <= nowMs && stillHas);
      if (current && isLate) late.push(memberId);
      else if (!current) this.#members.delete(memberId);
      else if (revocation && revocation.untilMs <= nowMs) deadlines.revocation = undefined;
    }
    return late;
  }

  #of(memberId: string): Deadlines {
    let deadlines = this.#members.get(memberId);
    if (!deadlines) {
      deadlines = { sessionMs: NEVER, revocation: undefined, joinMs: NEVER, syncMs: NEVER };
      this.#members.set(memberId, deadlines);
    }
    return deadlines;
  }
}

function endOf({ sessionMs, joinMs, syncMs }: Deadlines): number {
  return Math.min(sessionMs, joinMs, syncMs);
}
