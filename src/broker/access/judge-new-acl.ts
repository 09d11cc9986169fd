import type { RequestOf } from "../../protocol/api.js";
import type { createAcls } from "../../protocol/apis/create-acls.js";
import {
  type AclBinding,
  CLUSTER_NAME,
  nameOf,
  OPERATIONS,
  PATTERN_TYPES,
  PERMISSIONS,
  RESOURCE_TYPES,
} from "./acl.js";

/** An ACL as CreateAcls names it, with Kafka's numbers. */
type AclCreation = RequestOf<typeof createAcls>["creations"][number];

export type NewAclVerdict =
  | { readonly kind: "acl"; readonly acl: AclBinding }
  | { readonly kind: "refused"; readonly message: string };

/** Judges a new ACL by the rules of Kafka: it must name one type, one kind of name, one operation and one permission. */
export function judgeNewAcl(asked: AclCreation): NewAclVerdict {
  const { resourceName, principal, host } = asked;
  const refused = (message: string): NewAclVerdict => ({ kind: "refused", message });
  const resourceType = nameOf(RESOURCE_TYPES, asked.resourceType);
  const patternType = nameOf(PATTERN_TYPES, asked.resourcePatternType);
  const operation = nameOf(OPERATIONS, asked.operation);
  const permission = nameOf(PERMISSIONS, asked.permissionType);
  if (!resourceType) return refused("Invalid resourceType");
  if (!patternType) return refused("Invalid patternType");
  if (!operation) return refused("Invalid operation");
  if (!permission) return refused("Invalid permissionType");
  if (resourceName === "") return refused("Invalid empty resource name");
  if (resourceType === "CLUSTER" && resourceName !== CLUSTER_NAME) {
    return refused(`The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`);
  }
  if (!/^[^:]+:/.test(principal)) return refused("Could not parse the principal: expected Type:name, such as User:ann");
  if (host === "") return refused("Invalid empty host");
  return { kind: "acl", acl: { resourceType, resourceName, patternType, principal, host, operation, permission } };
}
