import { defineApi } from "../api.js";
import { array, i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * FindCoordinator (key 10), v0-v6.
 * Finds the coordinator of a group (key type 0) or transactional id (1). v1: key types; v3: flexible; v4: several keys.
 */
export const findCoordinator = defineApi({
  key: 10,
  name: "FindCoordinator",
  versions: [0, 6],
  flexibleFrom: 3,
  request: { key: str.within(0, 3), keyType: i8.from(1), coordinatorKeys: array(str).from(4) },
  response: {
    throttleTimeMs: i32.from(1),
    errorCode: i16.within(0, 3),
    errorMessage: message.nullable().within(1, 3),
    nodeId: i32.within(0, 3),
    host: str.within(0, 3),
    port: i32.within(0, 3),
    coordinators: structs({
      key: str,
      nodeId: i32,
      host: str,
      port: i32,
      errorCode: i16,
      errorMessage: message.nullable(),
    }).from(4),
  },
});
