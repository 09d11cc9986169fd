import type { CurrentAssignment } from "./consumer-member.js";

interface Deadlines {
  sessionMs: number;
  /** Until when it must have given up partitions at this epoch; undefined: there is nothing to give up. */
  revocation: { readonly epoch: number; readonly untilMs: number } | undefined;
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

  next(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { sessionMs, revocation } of this.#members.values()) {
      next = Math.min(next, sessionMs, revocation?.untilMs ?? sessionMs);
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
    for (const [memberId, { sessionMs, revocation }] of this.#members) {
      const current = currentOf(memberId);
      const stillHas = current?.state === "unrevoked" && current.memberEpoch === revocation?.epoch;
      const isLate = sessionMs <= nowMs || (revocation && revocation.untilMs <= nowMs && stillHas);
      if (current && isLate) late.push(memberId);
      else if (!current) this.#members.delete(memberId);
      else if (revocation && revocation.untilMs <= nowMs) this.#of(memberId).revocation = undefined;
    }
    return late;
  }

  #of(memberId: string): Deadlines {
    let deadlines = this.#members.get(memberId);
    if (!deadlines) {
      deadlines = { sessionMs: Number.POSITIVE_INFINITY, revocation: undefined };
      this.#members.set(memberId, deadlines);
    }
    return deadlines;
  }
}
