import { atLeast, type ConfigCheck, type ConfigDef, invalidValue, oneOf } from "../api/index.js";

const ERRORS = "Error Handling";

/** The default header converter of a worker. */
export const DEFAULT_HEADER_CONVERTER = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/** ConfigDef's check of aliases: no null, no duplicates. */
export const uniqueItems: ConfigCheck = (key, value) =>
  value === null
    ? invalidValue(key, value, "entry must be non null")
    : Array.isArray(value) && new Set(value).size < value.length
      ? invalidValue(key, value, "Duplicate alias provided.")
      : undefined;

/** A count of partitions or replicas: at least one, or -1 for the broker's own default. */
export const countOrDefault: ConfigCheck = (key, value) =>
  typeof value === "number" && value !== -1 && value < 1
    ? invalidValue(key, value, "Value must be -1 (the broker's default) or at least 1")
    : undefined;

/** The number of tasks that a connector may have (KIP-1004). */
export const TASK_COUNT_KEYS = {
  "tasks.max": {
    type: "int",
    doc: "The most tasks for the connector.",
    default: 1,
    importance: "high",
    group: "Common",
    order: 4,
    width: "short",
    displayName: "Tasks max",
    check: atLeast(1),
  },
  "tasks.max.enforce": {
    type: "boolean",
    doc: "Whether a connector that generates more tasks than tasks.max fails. If false, the worker only logs a warning.",
    default: true,
    importance: "low",
    group: "Common",
    order: 5,
    width: "short",
    displayName: "Enforce tasks max",
  },
} as const satisfies ConfigDef;

const errorKey = <const Name extends string>(order: number, displayName: Name) =>
  ({ importance: "medium", group: ERRORS, order, width: "medium", displayName }) as const;

/** The treatment of bad records (KIP-298). */
export const ERROR_KEYS = {
  "errors.retry.timeout": {
    type: "long",
    doc: "Time for retries of a failed operation, in ms. 0: no retries, -1: no limit.",
    default: 0,
    ...errorKey(1, "Retry Timeout for Errors"),
  },
  "errors.retry.delay.max.ms": {
    type: "long",
    doc: "The longest delay between two attempts, in ms.",
    default: 60_000,
    ...errorKey(2, "Maximum Delay Between Retries for Errors"),
  },
  "errors.tolerance": {
    type: "string",
    doc: "none: the first bad record fails the task. all: bad records are skipped, and reported if so configured.",
    default: "none",
    ...errorKey(3, "Error Tolerance"),
    width: "short",
    check: oneOf("none", "all"),
  },
  "errors.log.enable": {
    type: "boolean",
    doc: "Whether tolerated errors are logged, too. Other errors always are.",
    default: false,
    ...errorKey(4, "Log Errors"),
    width: "short",
  },
  "errors.log.include.messages": {
    type: "boolean",
    doc: "Whether the log line identifies the record (topic, partition, offset, time).",
    default: false,
    ...errorKey(5, "Log Error Details"),
    width: "short",
  },
} as const satisfies ConfigDef;

/** A sink's dead letter queue (KIP-298). */
export const DEAD_LETTER_KEYS = {
  "errors.deadletterqueue.topic.name": {
    type: "string",
    doc: "Topic for records that could not be processed. Blank: no dead letter queue.",
    default: "",
    ...errorKey(6, "Dead Letter Queue Topic Name"),
  },
  "errors.deadletterqueue.topic.replication.factor": {
    type: "short",
    doc: "Replication factor with which the task creates a missing dead letter topic.",
    default: 3,
    ...errorKey(7, "Dead Letter Queue Topic Replication Factor"),
  },
  "errors.deadletterqueue.context.headers.enable": {
    type: "boolean",
    doc: "Whether the dead letter's headers describe the failure: stage, class and error.",
    default: false,
    ...errorKey(8, "Enable Error Context Headers"),
  },
} as const satisfies ConfigDef;

/** The groups of a source's `topic.creation.*` keys (KIP-158). */
export const TOPIC_GROUP_KEYS = {
  "topic.creation.groups": {
    type: "list",
    doc: "Names of topic groups with their own creation settings, besides the default group.",
    default: [],
    importance: "low",
    group: "Topic Creation",
    order: 1,
    width: "long",
    displayName: "Topic Creation Groups",
    check: uniqueItems,
  },
} as const satisfies ConfigDef;
