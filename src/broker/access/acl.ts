import type { StoredAcl } from "../metadata/broker-metadata.js";

/** Kafka's numbers of the types of resources (ResourceType). */
export const RESOURCE_TYPES = {
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const;
export type ResourceType = keyof typeof RESOURCE_TYPES;

/** Kafka's numbers of the operations (AclOperation). */
export const OPERATIONS = {
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const;
export type Operation = keyof typeof OPERATIONS;

/** Kafka's numbers of the kinds of names (PatternType). */
export const PATTERN_TYPES = { LITERAL: 3, PREFIXED: 4 } as const;
/** Kafka's numbers of the permissions (AclPermissionType). */
export const PERMISSIONS = { DENY: 2, ALLOW: 3 } as const;

/** The only resource of the type CLUSTER. */
export const CLUSTER_NAME = "kafka-cluster";
/** In an ACL: every resource, every host. */
export const WILDCARD = "*";
/** In an ACL: every user. */
export const EVERYBODY = "User:*";

/** One ACL: allows or denies a user an operation on a resource. */
export interface AclBinding extends StoredAcl {
  readonly resourceType: ResourceType;
  readonly patternType: keyof typeof PATTERN_TYPES;
  readonly operation: Operation;
  readonly permission: keyof typeof PERMISSIONS;
}

/** An ACL in an answer, with Kafka's numbers. */
export type EncodedAcl = ReturnType<typeof encodedAcl>;

export function encodedAcl(acl: AclBinding) {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl;
  return {
    resourceType: RESOURCE_TYPES[resourceType],
    resourceName,
    patternType: PATTERN_TYPES[patternType],
    principal,
    host,
    operation: OPERATIONS[operation],
    permissionType: PERMISSIONS[permission],
  };
}

/** The name that Kafka has for a number; undefined: none. */
export function nameOf<N extends string>(codes: Readonly<Record<N, number>>, code: number): N | undefined {
  const found = Object.entries(codes).find(([, each]) => each === code);
  return found?.[0] as N | undefined;
}
