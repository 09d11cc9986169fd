import type { RequestOf } from "../../protocol/api.js";
import { alterPartitionReassignments as api } from "../../protocol/apis/alter-partition-reassignments.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { toCluster } from "../access/access.js";
import { type Broker, defineHandler } from "../handler.js";

type Partition = RequestOf<typeof api>["topics"][number]["partitions"][number];

/**
 * AlterPartitionReassignments (key 45), v0-v1.
 * A partition may be "moved" to where it is, this node; no other is there, and so no move to cancel.
 * v1: may keep the replication factor.
 */
export const alterPartitionReassignments = defineHandler(api, {
  versions: [0, 1],
  authorize: toCluster("ALTER"),
  handle({ topics, allowReplicationFactorChange }, { broker }) {
    const responses = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((asked) => {
        const fault = faultOf(name, asked, broker);
        const { partitionIndex } = asked;
        return fault
          ? { partitionIndex, errorCode: ErrorCodes[fault.error], errorMessage: fault.message }
          : { partitionIndex, errorCode: ErrorCodes.NONE, errorMessage: null };
      }),
    }));
    return {
      throttleTimeMs: 0,
      allowReplicationFactorChange,
      errorCode: ErrorCodes.NONE,
      errorMessage: null,
      responses,
    };
  },
  refuse: ({ allowReplicationFactorChange }, errorCode) => {
    return { throttleTimeMs: 0, allowReplicationFactorChange, errorCode, errorMessage: null, responses: [] };
  },
});

function faultOf(
  name: string,
  { partitionIndex, replicas }: Partition,
  { topics, nodeId }: Broker,
): { readonly error: ErrorName; readonly message: string } | undefined {
  const topic = topics.get(name);
  if (!topic) {
    return { error: "UNKNOWN_TOPIC_OR_PARTITION", message: `Unable to find a topic named ${name}.` };
  }
  if (!topic.logs[partitionIndex]) {
    return { error: "UNKNOWN_TOPIC_OR_PARTITION", message: `Unable to find partition ${name}:${partitionIndex}.` };
  }
  if (replicas === null) {
    return { error: "NO_REASSIGNMENT_IN_PROGRESS", message: "No partition reassignment is in progress." };
  }
  const [first] = replicas;
  if (first === undefined) {
    return {
      error: "INVALID_REPLICA_ASSIGNMENT",
      message: "The manual partition assignment includes an empty replica list.",
    };
  }
  if (new Set(replicas).size < replicas.length) {
    return {
      error: "INVALID_REPLICA_ASSIGNMENT",
      message: "The manual partition assignment includes the broker more than once.",
    };
  }
  const other = replicas.find((each) => each !== nodeId);
  if (other === undefined) return undefined;
  return {
    error: "INVALID_REPLICA_ASSIGNMENT",
    message: `The manual partition assignment includes broker ${other}, but no such broker is registered.`,
  };
}
