import type { Clock } from "../../api/clock.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { S3ErrorCode } from "./s3-error.js";
import type { S3Operation, S3Request } from "./s3-request.js";

/** A fault: happens to a request instead of, or besides, being served. */
export type Fault =
  /** Answers with an error and applies nothing. */
  | { readonly kind: "answer"; readonly code: S3ErrorCode; readonly status?: number }
  /** Closes the connection and applies nothing. */
  | { readonly kind: "drop-before" }
  /** Applies the request, then closes the connection: the client cannot know that it succeeded. */
  | { readonly kind: "drop-after" }
  /** Serves the request later. */
  | { readonly kind: "delay"; readonly delayMs: number };

/** The requests that a fault strikes. An absent condition matches every request. */
export interface FaultRule {
  readonly fault: Fault;
  readonly operations?: readonly S3Operation[];
  /** Tested against the object's key (the empty string for operations on buckets). */
  readonly key?: RegExp;
  /** Matching requests that pass first. */
  readonly skip?: number;
  /** How often it strikes; then never again. */
  readonly count?: number;
  /** How long it strikes, from the moment the rule was added. */
  readonly forMs?: number;
}

/** A rule that has been added. */
export interface AddedFault {
  /** How often it struck. */
  readonly hits: number;
  /** Resolves when it strikes for the first time. */
  readonly struck: Promise<void>;
  remove(): void;
}

interface ActiveRule {
  readonly rule: FaultRule;
  readonly addedMs: number;
  readonly struck: Deferred<void>;
  seen: number;
  hits: number;
}

/** The faults of one object store, for tests and demonstrations. The first rule that matches strikes, oldest first. */
export class FaultPlan {
  readonly #clock: Clock;
  #active: ActiveRule[] = [];

  constructor(clock: Clock, rules: readonly FaultRule[] = []) {
    this.#clock = clock;
    for (const rule of rules) this.add(rule);
  }

  add(rule: FaultRule): AddedFault {
    const active: ActiveRule = { rule, addedMs: this.#clock.monotonicMs(), struck: deferred(), seen: 0, hits: 0 };
    this.#active.push(active);
    return {
      get hits() {
        return active.hits;
      },
      struck: active.struck.promise,
      remove: () => {
        this.#active = this.#active.filter((other) => other !== active);
      },
    };
  }

  /** Removes every rule. */
  clear(): void {
    this.#active = [];
  }

  /** The fault that strikes this request, if any. Called once per request, because it counts. */
  strike(request: S3Request): Fault | undefined {
    const nowMs = this.#clock.monotonicMs();
    for (const active of this.#active) {
      const { rule } = active;
      if (rule.operations && !rule.operations.includes(request.operation)) continue;
      if (rule.key && request.key.search(rule.key) < 0) continue;
      if (rule.forMs !== undefined && nowMs >= active.addedMs + rule.forMs) continue;
      if (active.seen++ < (rule.skip ?? 0)) continue;
      if (active.hits >= (rule.count ?? Number.POSITIVE_INFINITY)) continue;
      active.hits++;
      active.struck.resolve();
      return rule.fault;
    }
    return undefined;
  }
}
