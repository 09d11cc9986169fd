import type { ErrorName } from "../../protocol/error-codes.js";
import { CLUSTER_NAME, OPERATIONS, type Operation, type ResourceType } from "./acl.js";

/** The rights of the client of a request. */
export interface Access {
  /** Whether it may do this; if not, the log says so. */
  allows(operation: Operation, type: ResourceType, name: string): boolean;
  /** The same without a line in the log: for lists without what the client may not see. */
  shows(operation: Operation, type: ResourceType, name: string): boolean;
  /** Whether there may be a resource of this type with which it may do this. */
  allowsAny(operation: Operation, type: ResourceType): boolean;
}

/** Without an authorizer every client may do everything. */
export const OPEN_ACCESS: Access = { allows: () => true, shows: () => true, allowsAny: () => true };

/** Who may send a request of one group: clients that may do `operation` with it. */
export function toGroup(operation: Operation): (request: { readonly groupId: string }, access: Access) => ErrorName {
  return ({ groupId }, access) => (access.allows(operation, "GROUP", groupId) ? "NONE" : "GROUP_AUTHORIZATION_FAILED");
}

/** Who may send a request of one transactional id: clients that may write with it. */
export function toTransactionalId(
  { transactionalId }: { readonly transactionalId: string },
  access: Access,
): ErrorName {
  return access.allows("WRITE", "TRANSACTIONAL_ID", transactionalId) ? "NONE" : "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
}

/** Who may send a request that concerns the whole cluster: clients that may do `operation` with it. */
export function toCluster(operation: Operation): (request: unknown, access: Access) => ErrorName {
  return (_, access) => (access.allows(operation, "CLUSTER", CLUSTER_NAME) ? "NONE" : "CLUSTER_AUTHORIZATION_FAILED");
}

/** The operations that there are on a type of resource. */
const SUPPORTED = {
  TOPIC: ["READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"],
  GROUP: ["READ", "DELETE", "DESCRIBE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"],
  CLUSTER: ["CREATE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"],
} as const satisfies Partial<Record<ResourceType, readonly Operation[]>>;

/** The operations that the client may do with a resource: bit n stands for the operation with code n (KIP-430). */
export function authorizedOperations(access: Access, type: keyof typeof SUPPORTED, name: string): number {
  return SUPPORTED[type]
    .filter((operation) => access.shows(operation, type, name))
    .reduce((bits, operation) => bits | (1 << OPERATIONS[operation]), 0);
}
