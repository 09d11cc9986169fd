import { describeCluster as api } from "../../protocol/apis/describe-cluster.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";
import { clusterOperations } from "./authorized-operations.js";

const BROKERS = 1;
const CONTROLLERS = 2;

/**
 * DescribeCluster (key 60), v0-v2.
 * One node, both broker and controller. v1: endpoint type, of which only brokers are listed; v2: fenced brokers.
 */
export const describeCluster = defineHandler(api, {
  versions: [0, 2],
  authorize: "anybody",
  handle({ endpointType, includeClusterAuthorizedOperations }, { broker, access, advertised }) {
    const { clusterId } = broker.state.metadata;
    if (endpointType !== BROKERS) {
      const known = endpointType === CONTROLLERS;
      return {
        throttleTimeMs: 0,
        errorCode: known ? ErrorCodes.MISMATCHED_ENDPOINT_TYPE : ErrorCodes.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: `Endpoints of type ${endpointType} are not listed here; ask for brokers (1).`,
        clusterId,
        brokers: [],
      };
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCodes.NONE,
      clusterId,
      controllerId: broker.nodeId,
      brokers: [{ brokerId: broker.nodeId, ...advertised, rack: broker.properties.text("broker.rack") ?? null }],
      ...(includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: clusterOperations(access) } : {}),
    };
  },
});
