import type { ResponseInput } from "../../protocol/api.js";
import { findCoordinator as api } from "../../protocol/apis/find-coordinator.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

const GROUP = 0;
const TRANSACTION = 1;

/**
 * FindCoordinator (key 10), v0-v6.
 * This broker is the coordinator of every group and transactional id. Share groups have no coordinator.
 * v1: key type and messages; v3: flexible; v4: several keys.
 */
export const findCoordinator = defineHandler(api, {
  versions: [0, 6],
  authorize: "by resource",
  handle({ key, keyType, coordinatorKeys }, call) {
    const fault = keyTypeFault(keyType);
    if (fault) return refusedCoordinator(coordinatorKeys, fault.errorCode, fault.message);
    const allows = (each: string) => {
      return keyType === GROUP
        ? call.access.allows("DESCRIBE", "GROUP", each)
        : call.access.allows("DESCRIBE", "TRANSACTIONAL_ID", each);
    };
    const denied =
      keyType === GROUP ? ErrorCodes.GROUP_AUTHORIZATION_FAILED : ErrorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    const self = { nodeId: call.broker.nodeId, ...call.advertised };
    // Kafka's message here is "NONE", not null.
    const found = { errorCode: ErrorCodes.NONE, errorMessage: "NONE", ...self };
    if (call.apiVersion < 4) {
      return allows(key) ? { throttleTimeMs: 0, key, ...found } : refusedCoordinator([], denied, null);
    }
    const coordinators = coordinatorKeys.map((each) => {
      return { key: each, ...(allows(each) ? { ...found, errorMessage: "" } : nowhere(denied, null)) };
    });
    return { throttleTimeMs: 0, coordinators };
  },
  refuse: ({ coordinatorKeys }, errorCode) => refusedCoordinator(coordinatorKeys, errorCode, null),
});

function keyTypeFault(keyType: number): { errorCode: number; message: string } | undefined {
  if (keyType === GROUP || keyType === TRANSACTION) return undefined;
  return { errorCode: ErrorCodes.INVALID_REQUEST, message: `There is no coordinator of key type ${keyType}.` };
}

function refusedCoordinator(
  coordinatorKeys: readonly string[],
  errorCode: number,
  errorMessage: string | null,
): ResponseInput<typeof api> {
  const refused = nowhere(errorCode, errorMessage);
  return { throttleTimeMs: 0, ...refused, coordinators: coordinatorKeys.map((key) => ({ key, ...refused })) };
}

function nowhere(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, nodeId: -1, host: "", port: -1 };
}
