import type { AclFilter } from "../../src/protocol/acl-filter-fields.js";

/** The filter that all ACLs match: 1 is ANY in Kafka. */
export const ANY_ACL: AclFilter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
