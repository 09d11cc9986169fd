import { listGroups as api } from "../../protocol/apis/list-groups.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

const GROUP_TYPE = "classic";

/**
 * ListGroups (key 16), v0-v5.
 * Groups without members that only hold offsets are listed too. v3: flexible; v4: filter by state; v5: by type, of
 * which there is one.
 */
export const listGroups = defineHandler(api, {
  versions: [0, 5],
  handle({ statesFilter, typesFilter }, { broker }) {
    const accepts = (filter: readonly string[], value: string) =>
      filter.length === 0 || filter.some((each) => each.toLowerCase() === value.toLowerCase());
    const groups = broker.groups
      .list()
      .filter(({ state }) => accepts(statesFilter, state) && accepts(typesFilter, GROUP_TYPE))
      .map(({ groupId, protocolType, state }) => ({ groupId, protocolType, groupState: state, groupType: GROUP_TYPE }));
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, groups };
  },
});
