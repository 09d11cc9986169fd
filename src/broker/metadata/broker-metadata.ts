/** A topic as the metadata holds it. */
export interface StoredTopic {
  /** 22 characters of base64url. */
  readonly id: string;
  readonly partitions: number;
  /** As requested; there is always one replica. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** A user's stored keys for one SCRAM mechanism; they are no use for logging in. Salt and keys are base64. */
export interface StoredCredential {
  readonly iterations: number;
  readonly salt: string;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** An ACL, in Kafka's words. */
export interface StoredAcl {
  readonly resourceType: string;
  readonly resourceName: string;
  /** LITERAL or PREFIXED. */
  readonly patternType: string;
  /** `User:NAME`, or `User:*` for everybody. */
  readonly principal: string;
  /** `*` for every one. */
  readonly host: string;
  readonly operation: string;
  /** ALLOW or DENY. */
  readonly permission: string;
}

/** The quotas of an entity of clients. */
export interface StoredClientQuota {
  /** Names by type (`user`, `client-id`, `ip`); null: the default of the type. */
  readonly entity: Readonly<Record<string, string | null>>;
  /** By Kafka's names; never empty. */
  readonly values: Readonly<Record<string, number>>;
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
  /** Settings of groups made by clients. A group without any is not there. */
  readonly groupConfigs: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Credentials by mechanism, of each user. */
  readonly scramUsers: ReadonlyMap<string, Readonly<Record<string, StoredCredential>>>;
  /** By `aclKey`. */
  readonly acls: ReadonlyMap<string, StoredAcl>;
  /** By `quotaKey`. */
  readonly clientQuotas: ReadonlyMap<string, StoredClientQuota>;
  /**
   * What the salts of users that do not exist are derived from, base64: they stay the same over starts, as those of users
   * do, so that they do not show who exists.
   */
  readonly decoySecret: string;
}

/** ACLs with the same key are the same one. */
function aclKey(acl: StoredAcl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl;
  return JSON.stringify([resourceType, patternType, resourceName, principal, host, operation, permission]);
}

/** Entities with the same key are the same one. */
export function quotaKey(entity: StoredClientQuota["entity"]): string {
  const names = Object.entries(entity).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(names);
}

/** One change of the metadata, as the metadata log holds it. */
export type MetadataChange =
  | { readonly kind: "topic"; readonly name: string; readonly topic: StoredTopic }
  | { readonly kind: "delete-topic"; readonly name: string }
  | { readonly kind: "node-configs" | "default-configs"; readonly configs: Readonly<Record<string, string>> }
  | { readonly kind: "group-configs"; readonly group: string; readonly configs: Readonly<Record<string, string>> }
  | {
      readonly kind: "scram-user";
      readonly user: string;
      readonly mechanism: string;
      /** null: removed. */
      readonly credential: StoredCredential | null;
    }
  | { readonly kind: "acl" | "delete-acl"; readonly acl: StoredAcl }
  /** All quotas of an entity; none: it is removed. */
  | ({ readonly kind: "client-quota" } & StoredClientQuota)
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
  readonly groupConfigs: Map<string, Readonly<Record<string, string>>>;
  readonly scramUsers: Map<string, Readonly<Record<string, StoredCredential>>>;
  readonly acls: Map<string, StoredAcl>;
  readonly clientQuotas: Map<string, StoredClientQuota>;
};

/** A copy that can be changed. */
export function mutableMetadata(metadata: BrokerMetadata): MutableMetadata {
  const { topics, groupConfigs, scramUsers, acls, clientQuotas } = metadata;
  return {
    ...metadata,
    topics: new Map(topics),
    groupConfigs: new Map(groupConfigs),
    scramUsers: new Map(scramUsers),
    acls: new Map(acls),
    clientQuotas: new Map(clientQuotas),
  };
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
    case "group-configs":
      if (Object.keys(change.configs).length > 0) metadata.groupConfigs.set(change.group, change.configs);
      else metadata.groupConfigs.delete(change.group);
      break;
    case "scram-user":
      setCredential(metadata.scramUsers, change.user, change.mechanism, change.credential);
      break;
    case "acl":
      metadata.acls.set(aclKey(change.acl), change.acl);
      break;
    case "delete-acl":
      metadata.acls.delete(aclKey(change.acl));
      break;
    case "client-quota": {
      const { entity, values } = change;
      if (Object.keys(values).length > 0) metadata.clientQuotas.set(quotaKey(entity), { entity, values });
      else metadata.clientQuotas.delete(quotaKey(entity));
      break;
    }
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

/** The fields that JSON holds in another form. Earlier versions of the broker did not write the optional ones. */
interface Encoded {
  readonly topics: Readonly<Record<string, StoredTopic>>;
  readonly acls?: readonly StoredAcl[];
  readonly clientQuotas?: readonly StoredClientQuota[];
  readonly groupConfigs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly scramUsers?: Readonly<Record<string, Readonly<Record<string, StoredCredential>>>>;
  readonly decoySecret?: string;
}

/** The metadata as JSON on one line. */
export function encodeMetadata(metadata: BrokerMetadata): string {
  const encoded: Encoded = {
    topics: Object.fromEntries(metadata.topics),
    groupConfigs: Object.fromEntries(metadata.groupConfigs),
    scramUsers: Object.fromEntries(metadata.scramUsers),
    acls: [...metadata.acls.values()],
    clientQuotas: [...metadata.clientQuotas.values()],
    decoySecret: metadata.decoySecret,
  };
  return JSON.stringify({ ...metadata, ...encoded });
}

/** The inverse of `encodeMetadata`; `decoySecret` is empty if there was none. */
export function decodeMetadata(json: string): BrokerMetadata {
  const decoded = JSON.parse(json) as Omit<BrokerMetadata, keyof Encoded> & Encoded;
  const {
    topics,
    groupConfigs = {},
    scramUsers = {},
    acls = [],
    clientQuotas = [],
    decoySecret = "",
    ...fields
  } = decoded;
  return {
    ...fields,
    decoySecret,
    topics: new Map(Object.entries(topics)),
    groupConfigs: new Map(Object.entries(groupConfigs)),
    scramUsers: new Map(Object.entries(scramUsers)),
    acls: new Map(acls.map((acl) => [aclKey(acl), acl])),
    clientQuotas: new Map(clientQuotas.map((quota) => [quotaKey(quota.entity), quota])),
  };
}
