import type { Clock } from "../../base/clock.js";
import { hostAddress } from "../access/host-address.js";
import type { BrokerProperties } from "../broker-properties.js";
import { type BrokerMetadata, quotaKey } from "../metadata/broker-metadata.js";
import { type ByteRate, type ClientRate, CONNECTION_RATE, type QuotaEntity } from "./client-quota.js";
import { MutationBucket } from "./mutation-bucket.js";
import { QuotaRate, type QuotaWindow } from "./quota-rate.js";

/** The longest time that an answer can tell a client to wait. */
const MOST_MS = 2 ** 31 - 1;

/** A millisecond in the unit of `request_percentage`, whose rate is per second. */
const PERCENT_SECONDS = 100 / 1000;

/** A quota that is in force, and who shares it. */
interface Limit {
  readonly perSecond: number;
  readonly sharedBy: string;
}

/** What clients have used of their quotas, and how long those that used more have to wait. */
export class ClientQuotas {
  readonly #rates = new Map<string, QuotaRate>();
  readonly #buckets = new Map<string, MutationBucket>();
  #sweptMs = 0;

  /** @param metadata the present quotas; they are read at each use. */
  constructor(
    private readonly metadata: () => Pick<BrokerMetadata, "clientQuotas">,
    private readonly properties: BrokerProperties,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts bytes that a client has sent or is sent.
   *
   * @param user without `User:`; undefined: its session has ended, and it is served no more anyway.
   * @returns for how many ms it must not be served; 0: it is within its quota, or has none.
   */
  record(rate: ByteRate, user: string | undefined, clientId: string, bytes: number): number {
    const limit = this.#limitOf(rate, user, clientId);
    return limit ? Math.min(this.#used(limit, bytes), MOST_MS) : 0;
  }

  /** Whether there are quotas at all; without any, nothing need be measured. */
  get areSet(): boolean {
    return this.metadata().clientQuotas.size > 0;
  }

  /**
   * Counts time in which a client's request has kept the event loop busy. `request_percentage` is a share of one thread,
   * as in Kafka; here there is one.
   *
   * @returns as `record`, and at most one sample of the window.
   */
  recordTime(user: string | undefined, clientId: string, usedMs: number): number {
    const limit = this.#limitOf("request_percentage", user, clientId);
    return limit ? Math.min(this.#used(limit, usedMs * PERCENT_SECONDS), this.#window.sampleMs) : 0;
  }

  /** The bytes that a client may be sent at once: as many as its quota has for a whole window. */
  windowBytes(rate: ByteRate, user: string | undefined, clientId: string): number {
    const limit = this.#limitOf(rate, user, clientId);
    if (!limit) return Number.POSITIVE_INFINITY;
    const { samples, sampleMs } = this.#window;
    return Math.floor((limit.perSecond * Math.max(1, samples - 1) * sampleMs) / 1000);
  }

  /** Counts a new connection from an address, unless it is one too many. @returns for how many ms it must wait then, or 0. */
  recordConnection(address: string): number {
    const ip = hostAddress(address.replace(/^::ffff:/, ""));
    const limit = this.#firstOf(CONNECTION_RATE, [{ ip }, { ip: null }]);
    if (limit === undefined) return 0;
    const { samples, sampleMs } = this.#window;
    const shared: Limit = { perSecond: limit, sharedBy: JSON.stringify([CONNECTION_RATE, ip]) };
    const waitMs = this.#used(shared, 1);
    // It is closed: counted, too, a client that tries again and again would never be let in.
    if (waitMs > 0) this.#used(shared, -1);
    return Math.min(waitMs, samples * sampleMs);
  }

  /**
   * Takes partitions that a client creates or deletes.
   *
   * @param isStrict takes nothing if the client has to wait already.
   */
  takeMutations(
    user: string | undefined,
    clientId: string,
    partitions: number,
    isStrict: boolean,
  ): { readonly isTaken: boolean; readonly throttleMs: number } {
    const limit = this.#limitOf("controller_mutation_rate", user, clientId);
    if (!limit) return { isTaken: true, throttleMs: 0 };
    const { perSecond, sharedBy } = limit;
    const { samples, sampleMs } = this.#window;
    const burst = (perSecond * samples * sampleMs) / 1000;
    const nowMs = this.clock.monotonicMs();
    this.#sweep(nowMs, this.#window);
    const bucket = this.#buckets.get(sharedBy) ?? new MutationBucket(burst, nowMs);
    this.#buckets.set(sharedBy, bucket);
    const throttleMs = () => Math.min(bucket.throttleMs(perSecond, burst, nowMs), MOST_MS);
    const beforeMs = throttleMs();
    if (isStrict && beforeMs > 0) return { isTaken: false, throttleMs: beforeMs };
    bucket.take(partitions);
    const afterMs = throttleMs();
    return { isTaken: true, throttleMs: isStrict ? 0 : afterMs };
  }

  /** How many clients have used a quota lately. */
  get size(): number {
    return this.#rates.size + this.#buckets.size;
  }

  get #window(): QuotaWindow {
    return {
      samples: this.properties.number("quota.window.num"),
      sampleMs: this.properties.number("quota.window.size.seconds") * 1000,
    };
  }

  #used({ perSecond, sharedBy }: Limit, amount: number): number {
    const nowMs = this.clock.monotonicMs();
    const window = this.#window;
    this.#sweep(nowMs, window);
    const rate = this.#rates.get(sharedBy) ?? new QuotaRate();
    this.#rates.set(sharedBy, rate);
    rate.record(amount, nowMs, window);
    return rate.throttleMs(perSecond, nowMs, window);
  }

  /** Forgets clients that have been silent: there may be any number of client ids. */
  #sweep(nowMs: number, window: QuotaWindow): void {
    if (nowMs - this.#sweptMs < window.samples * window.sampleMs) return;
    this.#sweptMs = nowMs;
    for (const [sharedBy, rate] of this.#rates) if (rate.isIdle(nowMs, window)) this.#rates.delete(sharedBy);
    for (const [sharedBy, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(sharedBy);
  }

  /** The quota of a client: the first that is set, from the user with its client id down to the default of client ids. */
  #limitOf(rate: ClientRate, user: string | undefined, clientId: string): Limit | undefined {
    if (user === undefined || this.metadata().clientQuotas.size === 0) return undefined;
    const both = JSON.stringify([rate, user, clientId]);
    const ofUser = JSON.stringify([rate, user]);
    const ofClientId = JSON.stringify([rate, null, clientId]);
    const orders: readonly (readonly [string, readonly QuotaEntity[]])[] = [
      [
        both,
        [
          { user, "client-id": clientId },
          { user, "client-id": null },
        ],
      ],
      [ofUser, [{ user }]],
      [
        both,
        [
          { user: null, "client-id": clientId },
          { user: null, "client-id": null },
        ],
      ],
      [ofUser, [{ user: null }]],
      [ofClientId, [{ "client-id": clientId }, { "client-id": null }]],
    ];
    for (const [sharedBy, entities] of orders) {
      const perSecond = this.#firstOf(rate, entities);
      if (perSecond !== undefined) return { perSecond, sharedBy };
    }
    return undefined;
  }

  #firstOf(key: string, entities: readonly QuotaEntity[]): number | undefined {
    const { clientQuotas } = this.metadata();
    if (clientQuotas.size === 0) return undefined;
    for (const entity of entities) {
      const value = clientQuotas.get(quotaKey(entity))?.values[key];
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
