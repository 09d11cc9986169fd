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
  handle({ key, keyType, coordinatorKeys }, call) {
    const fault = keyTypeFault(keyType);
    if (fault) return refusedCoordinator(coordinatorKeys, fault.errorCode, fault.message);
    const self = { nodeId: call.broker.nodeId, ...call.advertised };
    // Kafka's message here is "NONE", not null.
    const found = { errorCode: ErrorCodes.NONE, errorMessage: "NONE", ...self };
    return call.apiVersion >= 4
      ? { throttleTimeMs: 0, coordinators: coordinatorKeys.map((each) => ({ key: each, ...found, errorMessage: "" })) }
      : { throttleTimeMs: 0, key, ...found };
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
  const nowhere = { errorCode, errorMessage, nodeId: -1, host: "", port: -1 };
  return { throttleTimeMs: 0, ...nowhere, coordinators: coordinatorKeys.map((key) => ({ key, ...nowhere })) };
}
