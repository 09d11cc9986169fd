import { listGroups as api } from "../../protocol/apis/list-groups.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { defineHandler } from "../handler.js";

/**
 * ListGroups (key 16), v0-v5.
 * Includes groups that have only offsets and no members. v3: flexible; v4: filter by state; v5: filter by type.
 */
export const listGroups = defineHandler(api, {
  versions: [0, 5],
  authorize: "by resource",
  handle({ statesFilter, typesFilter }, { broker, access }) {
    const states = lowerCased(statesFilter);
    const types = lowerCased(typesFilter);
    const accepts = (filter: ReadonlySet<string>, value: string) =>
      filter.size === 0 || filter.has(value.toLowerCase());
    const seesAll = access.shows("DESCRIBE", "CLUSTER", CLUSTER_NAME);
    const groups = broker.groups
      .list()
      .filter(({ groupId }) => seesAll || access.shows("DESCRIBE", "GROUP", groupId))
      .filter(({ state, type }) => accepts(states, state) && accepts(types, type))
      .map(({ groupId, protocolType, state, type }) => ({ groupId, protocolType, groupState: state, groupType: type }));
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, groups };
  },
});

function lowerCased(filter: readonly string[]): ReadonlySet<string> {
  return new Set(filter.map((each) => each.toLowerCase()));
}
