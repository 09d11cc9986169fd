import { listPartitionReassignments as api } from "../../protocol/apis/list-partition-reassignments.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { defineHandler } from "../handler.js";

/** ListPartitionReassignments (key 46), v0. On one node no partition is ever moved. */
export const listPartitionReassignments = defineHandler(api, {
  versions: [0, 0],
  authorize: toCluster("DESCRIBE"),
  handle: () => ({ throttleTimeMs: 0, errorCode: ErrorCodes.NONE, errorMessage: null, topics: [] }),
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, topics: [] }),
});
