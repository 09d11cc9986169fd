import { heartbeat as api } from "../../protocol/apis/heartbeat.js";
import { toGroup } from "../access/access.js";
import { defineHandler } from "../handler.js";

/**
 * Heartbeat (key 12), v0-v4.
 * v1: throttle time; v3: static members; v4: flexible.
 */
export const heartbeat = defineHandler(api, {
  versions: [0, 4],
  authorize: toGroup("READ"),
  handle({ groupId, generationId, memberId, groupInstanceId }, { broker }) {
    const errorCode = broker.groups.heartbeat(groupId, { memberId, instanceId: groupInstanceId }, generationId);
    return { throttleTimeMs: 0, errorCode };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});
