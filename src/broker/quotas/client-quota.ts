/** What a quota is for: users, client ids, both together, or addresses. A null name is the default of its type. */
export type QuotaEntity = Readonly<Record<string, string | null>>;

/** Quotas of users and client ids that this broker keeps to. */
export type ByteRate = "producer_byte_rate" | "consumer_byte_rate";
export type ClientRate = ByteRate | "controller_mutation_rate";

/** The quota of addresses: new connections per second. */
export const CONNECTION_RATE = "connection_creation_rate";

/** The type and bounds of a quota's value, as in Kafka. */
export interface QuotaKey {
  readonly type: "double" | "int" | "long";
  /** Why a client that sets it is refused; undefined: it is served. */
  readonly refusal?: string;
}

const ONE_THREAD =
  "the bundled broker serves all requests in one thread, and does not measure the share of each client";

export const CLIENT_KEYS: Readonly<Record<string, QuotaKey>> = {
  producer_byte_rate: { type: "long" },
  consumer_byte_rate: { type: "long" },
  request_percentage: { type: "double", refusal: ONE_THREAD },
  controller_mutation_rate: { type: "double" },
};

export const ADDRESS_KEYS: Readonly<Record<string, QuotaKey>> = { [CONNECTION_RATE]: { type: "int" } };
