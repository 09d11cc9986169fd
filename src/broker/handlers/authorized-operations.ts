import { type Access, authorizedOperations } from "../access/access.js";
import { CLUSTER_NAME } from "../access/acl.js";

/** The operations that the client may do with the cluster, as bits (KIP-430); none, if it may not describe it. */
export function clusterOperations(access: Access): number {
  return access.allows("DESCRIBE", "CLUSTER", CLUSTER_NAME) ? authorizedOperations(access, "CLUSTER", CLUSTER_NAME) : 0;
}
