import { defineApi } from "../api.js";
import { bool, i8, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DescribeCluster (key 60), v0-v2.
 * Describes the cluster. v1: endpoint type; v2: fenced brokers.
 */
export const describeCluster = defineApi({
  key: 60,
  name: "DescribeCluster",
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: i8.from(1).or(1),
    includeFencedBrokers: bool.from(2),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: message.nullable().or(null),
    endpointType: i8.from(1).or(1),
    clusterId: str,
    controllerId: i32.or(-1),
    brokers: structs({ brokerId: i32, host: str, port: i32, rack: str.nullable().or(null), isFenced: bool.from(2) }),
    clusterAuthorizedOperations: i32.or(-2147483648),
  },
});
