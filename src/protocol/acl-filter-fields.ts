import { i8, type OutputOf, str } from "./message-fields.js";

/** The filter of DescribeAcls and DeleteAcls: Kafka's numbers, null for any name, principal or host. */
export const ACL_FILTER_FIELDS = {
  resourceTypeFilter: i8,
  resourceNameFilter: str.nullable(),
  patternTypeFilter: i8,
  principalFilter: str.nullable(),
  hostFilter: str.nullable(),
  operation: i8,
  permissionType: i8,
};

export type AclFilter = Readonly<OutputOf<typeof ACL_FILTER_FIELDS>>;
