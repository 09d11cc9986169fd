/** A topic as the metadata holds it. */
export interface StoredTopic {
  /** 22 characters of base64url. */
  readonly id: string;
  readonly partitions: number;
  /** As requested; there is always one replica. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** What is kept of a user's password for one SCRAM mechanism; nobody can log in with it. Salt and keys are base64. */
export interface StoredCredential {
  readonly iterations: number;
  readonly salt: string;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** All of the broker's state that is not in a partition's log. */
export interface BrokerMetadata {
  readonly clusterId: string;
  /**
   * The number of earlier starts; the leader epoch of every partition. Never falls: clients ignore leaders of older
   * epochs.
   */
  readonly epoch: number;
  /** Producer ids below this may have been handed out. */
  readonly nextProducerId: number;
  readonly topics: ReadonlyMap<string, StoredTopic>;
  /** Broker settings made by clients: for this node, and for all nodes. */
  readonly nodeConfigs: Readonly<Record<string, string>>;
  readonly defaultConfigs: Readonly<Record<string, string>>;
  /** Credentials by mechanism, of each user. */
  readonly scramUsers: ReadonlyMap<string, Readonly<Record<string, StoredCredential>>>;
}

/** One change of the metadata, as the metadata log holds it. */
export type MetadataChange =
  | { readonly kind: "topic"; readonly name: string; readonly topic: StoredTopic }
  | { readonly kind: "delete-topic"; readonly name: string }
  | { readonly kind: "node-configs" | "default-configs"; readonly configs: Readonly<Record<string, string>> }
  | {
      readonly kind: "scram-user";
      readonly user: string;
      readonly mechanism: string;
      /** null: removed. */
      readonly credential: StoredCredential | null;
    }
  | { readonly kind: "next-producer-id"; readonly nextProducerId: number };

/** The metadata after `changes`, which itself stays as it is. */
export function changedMetadata(metadata: BrokerMetadata, changes: readonly MetadataChange[]): BrokerMetadata {
  const copy = mutableMetadata(metadata);
  for (const change of changes) applyChange(copy, change);
  return copy;
}

/** The metadata as its owner holds it. */
export type MutableMetadata = { -readonly [K in keyof BrokerMetadata]: BrokerMetadata[K] } & {
  readonly topics: Map<string, StoredTopic>;
  readonly scramUsers: Map<string, Readonly<Record<string, StoredCredential>>>;
};

/** A copy that can be changed. */
export function mutableMetadata(metadata: BrokerMetadata): MutableMetadata {
  return { ...metadata, topics: new Map(metadata.topics), scramUsers: new Map(metadata.scramUsers) };
}

/** Makes one change in place: a copy per change would cost the square of the topics. */
export function applyChange(metadata: MutableMetadata, change: MetadataChange): void {
  switch (change.kind) {
    case "topic":
      metadata.topics.set(change.name, change.topic);
      break;
    case "delete-topic":
      metadata.topics.delete(change.name);
      break;
    case "node-configs":
      metadata.nodeConfigs = change.configs;
      break;
    case "default-configs":
      metadata.defaultConfigs = change.configs;
      break;
    case "scram-user":
      setCredential(metadata.scramUsers, change.user, change.mechanism, change.credential);
      break;
    case "next-producer-id":
      metadata.nextProducerId = change.nextProducerId;
      break;
  }
}

function setCredential(
  users: MutableMetadata["scramUsers"],
  user: string,
  mechanism: string,
  credential: StoredCredential | null,
): void {
  const { [mechanism]: _, ...others } = users.get(user) ?? {};
  const left = credential ? { ...others, [mechanism]: credential } : others;
  if (Object.keys(left).length > 0) users.set(user, left);
  else users.delete(user);
}

/** The fields that JSON holds as objects. */
interface Encoded {
  readonly topics: Readonly<Record<string, StoredTopic>>;
  /** Earlier versions of the broker wrote none. */
  readonly scramUsers?: Readonly<Record<string, Readonly<Record<string, StoredCredential>>>>;
}

/** The metadata as JSON on one line. */
export function encodeMetadata(metadata: BrokerMetadata): string {
  const { topics, scramUsers } = metadata;
  const encoded: Encoded = { topics: Object.fromEntries(topics), scramUsers: Object.fromEntries(scramUsers) };
  return JSON.stringify({ ...metadata, ...encoded });
}

/** The inverse of `encodeMetadata`. */
export function decodeMetadata(json: string): BrokerMetadata {
  const { topics, scramUsers = {}, ...fields } = JSON.parse(json) as Omit<BrokerMetadata, keyof Encoded> & Encoded;
  return { ...fields, topics: new Map(Object.entries(topics)), scramUsers: new Map(Object.entries(scramUsers)) };
}
