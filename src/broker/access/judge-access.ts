import { type AclBinding, EVERYBODY, type Operation, type ResourceType, WILDCARD } from "./acl.js";

/** An operation that a client asks for. */
export interface Attempt {
  /** `User:NAME` */
  readonly principal: string;
  /** The client's address. */
  readonly host: string;
  readonly operation: Operation;
  readonly resourceType: ResourceType;
  readonly resourceName: string;
}

/** Operations that are allowed to clients that may do one of these others. */
const IMPLIED_BY: Partial<Record<Operation, readonly Operation[]>> = {
  DESCRIBE: ["READ", "WRITE", "DELETE", "ALTER"],
  DESCRIBE_CONFIGS: ["ALTER_CONFIGS"],
};

/**
 * Decides by the rules of Kafka's StandardAuthorizer: an ACL that denies goes before all that allow.
 *
 * @param bindings those whose resource is the attempt's, of every user.
 * @param ifNone the decision for a resource that has no ACL at all (allow.everyone.if.no.acl.found).
 */
export function judgeAccess(attempt: Attempt, bindings: Iterable<AclBinding>, ifNone: boolean): boolean {
  let hasAny = false;
  let isAllowed = false;
  for (const binding of bindings) {
    hasAny = true;
    if (!isFor(binding, attempt)) continue;
    const { operation, permission } = binding;
    const isSame = operation === "ALL" || operation === attempt.operation;
    if (permission === "DENY" && isSame) return false;
    if (permission === "ALLOW" && (isSame || IMPLIED_BY[attempt.operation]?.includes(operation))) isAllowed = true;
  }
  return hasAny ? isAllowed : ifNone;
}

/**
 * Decides whether the attempt may be allowed on some resource of a type: some name is allowed, and not denied by a name or
 * a prefix that covers it.
 *
 * @param bindings all of the type.
 */
export function judgeAccessToAny(attempt: Omit<Attempt, "resourceName">, bindings: Iterable<AclBinding>): boolean {
  const own = [...bindings].filter((binding) => {
    const isSame = binding.operation === "ALL" || binding.operation === attempt.operation;
    return isSame && isFor(binding, attempt);
  });
  const denied = own.filter(({ permission }) => permission === "DENY");
  if (denied.some(({ patternType, resourceName }) => patternType === "LITERAL" && resourceName === WILDCARD)) {
    return false;
  }
  return own.some((allowed) => {
    if (allowed.permission !== "ALLOW") return false;
    const isEvery = allowed.patternType === "LITERAL" && allowed.resourceName === WILDCARD;
    return isEvery || !denied.some((each) => covers(each, allowed));
  });
}

function covers(denied: AclBinding, allowed: AclBinding): boolean {
  if (denied.patternType === "PREFIXED") return allowed.resourceName.startsWith(denied.resourceName);
  return allowed.patternType === "LITERAL" && allowed.resourceName === denied.resourceName;
}

function isFor({ principal, host }: AclBinding, attempt: Pick<Attempt, "principal" | "host">): boolean {
  return (principal === attempt.principal || principal === EVERYBODY) && (host === attempt.host || host === WILDCARD);
}
