import { type Deferred, deferred } from "../../../base/deferred.js";
import type { GroupEffect } from "./classic-group.js";
import { joinError, syncError } from "./group-answers.js";
import type { JoinAnswer, SyncAnswer, Token } from "./group-member.js";

/** A request that waits, and its answer. */
interface Parked<T> {
  readonly token: Token;
  readonly answer: Promise<T>;
}

/** JoinGroup and SyncGroup requests that wait for other members. */
export class ParkedRequests {
  readonly #joins = new Map<Token, Deferred<JoinAnswer>>();
  readonly #syncs = new Map<Token, Deferred<SyncAnswer>>();
  #nextToken: Token = 1;

  join(): Parked<JoinAnswer> {
    return this.#park(this.#joins);
  }

  sync(): Parked<SyncAnswer> {
    return this.#park(this.#syncs);
  }

  /** @param failed the error code of the write that the answer depends on. */
  answer(effect: Exclude<GroupEffect, { kind: "persist" }>, failed: number | undefined): void {
    if (effect.kind === "answer-join") {
      const answer = failed === undefined ? effect.answer : joinError(effect.answer.memberId, failed);
      this.#joins.get(effect.token)?.resolve(answer);
      this.#joins.delete(effect.token);
    } else {
      // Without the record a restart would not know the assignment, so the members must ask again.
      this.#syncs.get(effect.token)?.resolve(failed === undefined ? effect.answer : syncError(failed));
      this.#syncs.delete(effect.token);
    }
  }

  /** Answers all of them with an error. */
  refuseAll(errorCode: number): void {
    const joins = [...this.#joins.values()];
    const syncs = [...this.#syncs.values()];
    this.#joins.clear();
    this.#syncs.clear();
    for (const parked of joins) parked.resolve(joinError("", errorCode));
    for (const parked of syncs) parked.resolve(syncError(errorCode));
  }

  #park<T>(waiting: Map<Token, Deferred<T>>): Parked<T> {
    const token = this.#nextToken++;
    const parked = deferred<T>();
    waiting.set(token, parked);
    return { token, answer: parked.promise };
  }
}
