import type { AclFilter } from "../../protocol/acl-filter-fields.js";
import { type AclBinding, OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES, WILDCARD } from "./acl.js";

const UNKNOWN = 0;
const ANY = 1;
/** Every pattern that is for a resource of the name. */
const MATCH = 2;

/** The reason why a filter is refused; undefined: it is not. */
export function aclFilterFault(filter: AclFilter): string | undefined {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = filter;
  const isKnown = (codes: Readonly<Record<string, number>>, code: number) => Object.values(codes).includes(code);
  const faults: readonly (readonly [boolean, string])[] = [
    [resourceTypeFilter !== ANY && !isKnown(RESOURCE_TYPES, resourceTypeFilter), "resource type"],
    [![ANY, MATCH].includes(patternTypeFilter) && !isKnown(PATTERN_TYPES, patternTypeFilter), "pattern type"],
    [operation !== ANY && !isKnown(OPERATIONS, operation), "operation"],
    [permissionType !== ANY && !isKnown(PERMISSIONS, permissionType), "permission type"],
  ];
  const fault = faults.find(([isFault]) => isFault);
  return fault && `The filter has an unknown ${fault[1]} (${UNKNOWN} stands for it)`;
}

/** Whether an ACL matches a filter, which has no fault. */
export function matchesFilter(filter: AclFilter, binding: AclBinding): boolean {
  const { resourceTypeFilter, principalFilter, hostFilter, operation, permissionType } = filter;
  const isAnyOr = (asked: number, code: number) => asked === ANY || asked === code;
  return (
    isAnyOr(resourceTypeFilter, RESOURCE_TYPES[binding.resourceType]) &&
    matchesName(filter, binding) &&
    (principalFilter === null || principalFilter === binding.principal) &&
    (hostFilter === null || hostFilter === binding.host) &&
    isAnyOr(operation, OPERATIONS[binding.operation]) &&
    isAnyOr(permissionType, PERMISSIONS[binding.permission])
  );
}

function matchesName({ resourceNameFilter: name, patternTypeFilter }: AclFilter, binding: AclBinding): boolean {
  const { patternType, resourceName } = binding;
  if (patternTypeFilter !== ANY && patternTypeFilter !== MATCH && patternTypeFilter !== PATTERN_TYPES[patternType]) {
    return false;
  }
  if (name === null || name === resourceName) return true;
  if (patternTypeFilter !== MATCH) return false;
  return patternType === "PREFIXED" ? name.startsWith(resourceName) : resourceName === WILDCARD;
}
