/** What a quota is for: users, client ids, both together, or addresses. A null name is the default of its type. */
export type QuotaEntity = Readonly<Record<string, string | null>>;

/** Quotas of users and client ids that this broker keeps to. */
export type ByteRate = "producer_byte_rate" | "consumer_byte_rate";
export type ClientRate = ByteRate | "request_percentage" | "controller_mutation_rate";

/** The quota of addresses: new connections per second. */
export const CONNECTION_RATE = "connection_creation_rate";

/** The type and bounds of a quota's value, as in Kafka. */
export interface QuotaKey {
  readonly type: "double" | "int" | "long";
}

export const CLIENT_KEYS: Readonly<Record<string, QuotaKey>> = {
  producer_byte_rate: { type: "long" },
  consumer_byte_rate: { type: "long" },
  request_percentage: { type: "double" },
  controller_mutation_rate: { type: "double" },
};

export const ADDRESS_KEYS: Readonly<Record<string, QuotaKey>> = { [CONNECTION_RATE]: { type: "int" } };
