/** A topic as the metadata holds it. */
export interface StoredTopic {
  /** 22 characters of base64url. */
  readonly id: string;
  readonly partitions: number;
  /** As requested; there is always one replica. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
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
}

/** One change of the metadata, as the metadata log holds it. */
export type MetadataChange =
  | { readonly kind: "topic"; readonly name: string; readonly topic: StoredTopic }
  | { readonly kind: "delete-topic"; readonly name: string }
  | { readonly kind: "node-configs" | "default-configs"; readonly configs: Readonly<Record<string, string>> }
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
};

/** A copy that can be changed. */
export function mutableMetadata(metadata: BrokerMetadata): MutableMetadata {
  return { ...metadata, topics: new Map(metadata.topics) };
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
    case "next-producer-id":
      metadata.nextProducerId = change.nextProducerId;
      break;
  }
}

/** The metadata as JSON on one line. */
export function encodeMetadata(metadata: BrokerMetadata): string {
  return JSON.stringify({ ...metadata, topics: Object.fromEntries(metadata.topics) });
}

/** The inverse of `encodeMetadata`. */
export function decodeMetadata(json: string): BrokerMetadata {
  const { topics, ...fields } = JSON.parse(json) as Omit<BrokerMetadata, "topics"> & {
    readonly topics: Readonly<Record<string, StoredTopic>>;
  };
  return { ...fields, topics: new Map(Object.entries(topics)) };
}
