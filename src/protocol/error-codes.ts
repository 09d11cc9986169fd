/** One row of Kafka's table of error codes (protocol guide, "Error Codes"). */
export interface ErrorCode {
  readonly code: number;
  readonly name: string;
  /** The same request may succeed later, as Java's RetriableException. */
  readonly retriable: boolean;
  /** The meaning of the code, in our words. */
  readonly text: string;
}

type Row = readonly [code: number, name: string, text: string, retriable?: "retriable"];

const ROWS = [
  [-1, "UNKNOWN_SERVER_ERROR", "the broker failed unexpectedly; its log says why"],
  [0, "NONE", "no error"],
  [1, "OFFSET_OUT_OF_RANGE", "the offset is outside the range the partition keeps"],
  [2, "CORRUPT_MESSAGE", "a record batch is damaged or its checksum is wrong", "retriable"],
  [3, "UNKNOWN_TOPIC_OR_PARTITION", "the broker has no such topic or partition", "retriable"],
  [4, "INVALID_FETCH_SIZE", "the requested fetch size is invalid"],
  [5, "LEADER_NOT_AVAILABLE", "the partition has no leader at the moment", "retriable"],
  [6, "NOT_LEADER_OR_FOLLOWER", "the broker is not the leader of the partition", "retriable"],
  [7, "REQUEST_TIMED_OUT", "the broker did not finish the request in time", "retriable"],
  [8, "BROKER_NOT_AVAILABLE", "the broker is not available"],
  [9, "REPLICA_NOT_AVAILABLE", "the replica is not available", "retriable"],
  [10, "MESSAGE_TOO_LARGE", "the record batch is larger than the topic's max.message.bytes"],
  [11, "STALE_CONTROLLER_EPOCH", "the controller was replaced"],
  [12, "OFFSET_METADATA_TOO_LARGE", "the metadata of the committed offset is too long"],
  [13, "NETWORK_EXCEPTION", "the connection was lost before the broker answered", "retriable"],
  [14, "COORDINATOR_LOAD_IN_PROGRESS", "the coordinator is still loading", "retriable"],
  [15, "COORDINATOR_NOT_AVAILABLE", "the coordinator is not available", "retriable"],
  [16, "NOT_COORDINATOR", "the broker is not the coordinator of this group", "retriable"],
  [17, "INVALID_TOPIC_EXCEPTION", "the topic name is invalid, or the topic is internal"],
  [18, "RECORD_LIST_TOO_LARGE", "the record batch is larger than a log segment"],
  [19, "NOT_ENOUGH_REPLICAS", "fewer replicas are in sync than min.insync.replicas requires", "retriable"],
  [20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "the batch was written to fewer replicas than required", "retriable"],
  [21, "INVALID_REQUIRED_ACKS", "acks must be 0, 1 or -1"],
  [22, "ILLEGAL_GENERATION", "the group has moved on to another generation"],
  [23, "INCONSISTENT_GROUP_PROTOCOL", "the member shares no protocol with the rest of the group"],
  [24, "INVALID_GROUP_ID", "the group id is invalid"],
  [25, "UNKNOWN_MEMBER_ID", "the coordinator does not know this member"],
  [26, "INVALID_SESSION_TIMEOUT", "the session timeout is outside the broker's group.min/max.session.timeout.ms"],
  [27, "REBALANCE_IN_PROGRESS", "the group is rebalancing; rejoin"],
  [28, "INVALID_COMMIT_OFFSET_SIZE", "the offsets to commit are too large"],
  [29, "TOPIC_AUTHORIZATION_FAILED", "not authorized for this topic"],
  [30, "GROUP_AUTHORIZATION_FAILED", "not authorized for this group"],
  [31, "CLUSTER_AUTHORIZATION_FAILED", "not authorized for this cluster operation"],
  [32, "INVALID_TIMESTAMP", "a record's timestamp is out of range"],
  [33, "UNSUPPORTED_SASL_MECHANISM", "the broker does not enable this SASL mechanism"],
  [34, "ILLEGAL_SASL_STATE", "the request does not fit the SASL state of the connection"],
  [35, "UNSUPPORTED_VERSION", "the broker does not support this API version"],
  [36, "TOPIC_ALREADY_EXISTS", "a topic of this name exists already"],
  [37, "INVALID_PARTITIONS", "the number of partitions is invalid"],
  [38, "INVALID_REPLICATION_FACTOR", "the replication factor is below 1 or larger than the number of brokers"],
  [39, "INVALID_REPLICA_ASSIGNMENT", "the replica assignment is invalid"],
  [40, "INVALID_CONFIG", "a configuration is invalid"],
  [41, "NOT_CONTROLLER", "the broker is not the controller", "retriable"],
  [42, "INVALID_REQUEST", "the request breaks a rule of the protocol"],
  [43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", "the message format of the broker does not support the request"],
  [44, "POLICY_VIOLATION", "the request violates a policy of the broker"],
  [45, "OUT_OF_ORDER_SEQUENCE_NUMBER", "the producer's sequence number does not follow the last one"],
  [46, "DUPLICATE_SEQUENCE_NUMBER", "the producer's sequence number was used before"],
  [47, "INVALID_PRODUCER_EPOCH", "a newer producer with the same transactional id took over"],
  [48, "INVALID_TXN_STATE", "the transaction is in a state that does not allow this"],
  [49, "INVALID_PRODUCER_ID_MAPPING", "the producer id does not belong to the transactional id"],
  [50, "INVALID_TRANSACTION_TIMEOUT", "the transaction timeout is outside the broker's range"],
  [51, "CONCURRENT_TRANSACTIONS", "another transaction of this producer is still being completed", "retriable"],
  [52, "TRANSACTION_COORDINATOR_FENCED", "the transaction coordinator was replaced"],
  [53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "not authorized for this transactional id"],
  [54, "SECURITY_DISABLED", "the broker has no authorizer"],
  [55, "OPERATION_NOT_ATTEMPTED", "not attempted, because another part of the request failed"],
  [56, "KAFKA_STORAGE_ERROR", "the broker cannot use the disk of this partition", "retriable"],
  [57, "LOG_DIR_NOT_FOUND", "the broker has no such log directory"],
  [58, "SASL_AUTHENTICATION_FAILED", "the broker refused the credentials"],
  [59, "UNKNOWN_PRODUCER_ID", "the broker has forgotten this producer id"],
  [60, "REASSIGNMENT_IN_PROGRESS", "a reassignment of the partition is in progress"],
  [61, "DELEGATION_TOKEN_AUTH_DISABLED", "delegation tokens are disabled"],
  [62, "DELEGATION_TOKEN_NOT_FOUND", "no such delegation token"],
  [63, "DELEGATION_TOKEN_OWNER_MISMATCH", "the delegation token belongs to someone else"],
  [64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", "delegation token requests are not allowed on this connection"],
  [65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", "not authorized for this delegation token"],
  [66, "DELEGATION_TOKEN_EXPIRED", "the delegation token has expired"],
  [67, "INVALID_PRINCIPAL_TYPE", "the principal type is not supported"],
  [68, "NON_EMPTY_GROUP", "the group still has members"],
  [69, "GROUP_ID_NOT_FOUND", "no such group"],
  [70, "FETCH_SESSION_ID_NOT_FOUND", "the broker has no such fetch session", "retriable"],
  [71, "INVALID_FETCH_SESSION_EPOCH", "the epoch of the fetch session is wrong", "retriable"],
  [72, "LISTENER_NOT_FOUND", "the leader has no listener for this connection", "retriable"],
  [73, "TOPIC_DELETION_DISABLED", "the broker does not allow topics to be deleted"],
  [74, "FENCED_LEADER_EPOCH", "the leader epoch of the request is older than the broker's", "retriable"],
  [75, "UNKNOWN_LEADER_EPOCH", "the leader epoch of the request is newer than the broker's", "retriable"],
  [76, "UNSUPPORTED_COMPRESSION_TYPE", "the compression codec is not supported"],
  [77, "STALE_BROKER_EPOCH", "the broker was registered again"],
  [78, "OFFSET_NOT_AVAILABLE", "the leader does not know its high watermark yet", "retriable"],
  [79, "MEMBER_ID_REQUIRED", "the member must join again with the id that the coordinator assigned"],
  [80, "PREFERRED_LEADER_NOT_AVAILABLE", "the preferred leader is not available", "retriable"],
  [81, "GROUP_MAX_SIZE_REACHED", "the group has reached its maximum size"],
  [82, "FENCED_INSTANCE_ID", "another member with the same group.instance.id took over"],
  [83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", "no replica may become leader", "retriable"],
  [84, "ELECTION_NOT_NEEDED", "the partition already has the wanted leader", "retriable"],
  [85, "NO_REASSIGNMENT_IN_PROGRESS", "no reassignment is in progress"],
  [86, "GROUP_SUBSCRIBED_TO_TOPIC", "the group is subscribed to the topic"],
  [87, "INVALID_RECORD", "a record was refused by the broker"],
  [88, "UNSTABLE_OFFSET_COMMIT", "a transaction with offsets of this group is still open", "retriable"],
  [89, "THROTTLING_QUOTA_EXCEEDED", "a quota is exceeded", "retriable"],
  [90, "PRODUCER_FENCED", "a newer producer with the same transactional id took over"],
  [91, "RESOURCE_NOT_FOUND", "no such resource"],
  [92, "DUPLICATE_RESOURCE", "the resource is named twice or exists already"],
  [93, "UNACCEPTABLE_CREDENTIAL", "the credential does not meet the requirements"],
  [94, "INCONSISTENT_VOTER_SET", "the voter sets differ"],
  [95, "INVALID_UPDATE_VERSION", "the update version is invalid"],
  [96, "FEATURE_UPDATE_FAILED", "the feature could not be updated"],
  [97, "PRINCIPAL_DESERIALIZATION_FAILURE", "the forwarded principal could not be read"],
  [98, "SNAPSHOT_NOT_FOUND", "no such snapshot"],
  [99, "POSITION_OUT_OF_RANGE", "the position is outside the snapshot"],
  [100, "UNKNOWN_TOPIC_ID", "the broker has no topic with this id", "retriable"],
  [101, "DUPLICATE_BROKER_REGISTRATION", "the broker id is registered already"],
  [102, "BROKER_ID_NOT_REGISTERED", "the broker id is not registered"],
  [103, "INCONSISTENT_TOPIC_ID", "the topic id does not fit the one in the log", "retriable"],
  [104, "INCONSISTENT_CLUSTER_ID", "the cluster ids differ"],
  [105, "TRANSACTIONAL_ID_NOT_FOUND", "no such transactional id"],
  [106, "FETCH_SESSION_TOPIC_ID_ERROR", "the fetch session mixes topic names and ids", "retriable"],
  [107, "INELIGIBLE_REPLICA", "the replica may not join the in-sync set"],
  [108, "NEW_LEADER_ELECTED", "a new leader was elected"],
  [109, "OFFSET_MOVED_TO_TIERED_STORAGE", "the offset is in tiered storage"],
  [110, "FENCED_MEMBER_EPOCH", "the member epoch is fenced"],
  [111, "UNRELEASED_INSTANCE_ID", "the instance id is still used by another member"],
  [112, "UNSUPPORTED_ASSIGNOR", "the coordinator does not know this assignor"],
  [113, "STALE_MEMBER_EPOCH", "the member epoch is stale"],
  [114, "MISMATCHED_ENDPOINT_TYPE", "the request was sent to the wrong kind of endpoint"],
  [115, "UNSUPPORTED_ENDPOINT_TYPE", "this kind of endpoint is not supported"],
  [116, "UNKNOWN_CONTROLLER_ID", "no such controller"],
  [117, "UNKNOWN_SUBSCRIPTION_ID", "no such telemetry subscription"],
  [118, "TELEMETRY_TOO_LARGE", "the telemetry data is too large"],
  [119, "INVALID_REGISTRATION", "the registration is invalid"],
  [120, "TRANSACTION_ABORTABLE", "the transaction cannot continue and must be aborted"],
  [121, "INVALID_RECORD_STATE", "the state of the record does not allow this"],
  [122, "SHARE_SESSION_NOT_FOUND", "no such share session", "retriable"],
  [123, "INVALID_SHARE_SESSION_EPOCH", "the epoch of the share session is wrong", "retriable"],
  [124, "FENCED_STATE_EPOCH", "the state epoch is fenced"],
  [125, "INVALID_VOTER_KEY", "the voter key is invalid"],
  [126, "DUPLICATE_VOTER", "the voter exists already"],
  [127, "VOTER_NOT_FOUND", "no such voter"],
  [128, "INVALID_REGULAR_EXPRESSION", "the regular expression is invalid"],
  [129, "REBOOTSTRAP_REQUIRED", "the client must connect again through bootstrap.servers"],
  [130, "STREAMS_INVALID_TOPOLOGY", "the streams topology is invalid"],
  [131, "STREAMS_INVALID_TOPOLOGY_EPOCH", "the epoch of the streams topology is invalid"],
  [132, "STREAMS_TOPOLOGY_FENCED", "the streams topology is outdated"],
  [133, "SHARE_SESSION_LIMIT_REACHED", "no more share sessions are allowed", "retriable"],
  [134, "GROUP_DELETION_FAILED", "the group could not be deleted"],
  [135, "STREAMS_TOPOLOGY_DESCRIPTION_TOO_LARGE", "the description of the streams topology is too large"],
] as const satisfies readonly Row[];

/** Kafka's name of an error code. */
export type ErrorName = (typeof ROWS)[number][1];

const BY_CODE = new Map<number, ErrorCode>();
const byName: Partial<Record<ErrorName, number>> = {};
for (const [code, name, text, retriable] of ROWS as readonly (readonly [number, ErrorName, string, "retriable"?])[]) {
  BY_CODE.set(code, { code, name, text, retriable: retriable !== undefined });
  byName[name] = code;
}

/** Error codes by name: `ErrorCodes.NOT_COORDINATOR` is 16. */
export const ErrorCodes = byName as Readonly<Record<ErrorName, number>>;

/**
 * The row of `code`. A code that is not in the table becomes UNKNOWN_SERVER_ERROR with that number, as in Java's
 * clients.
 */
export function errorCode(code: number): ErrorCode {
  return (
    BY_CODE.get(code) ?? {
      code,
      name: "UNKNOWN_SERVER_ERROR",
      retriable: false,
      text: `the broker answered error code ${code}, which this version does not know`,
    }
  );
}
