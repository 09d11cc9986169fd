/** Stable codes of errors, each with its meaning and remedy. */
export type ErrorCodes = Readonly<Record<string, { readonly text: string; readonly advice: string }>>;

/**
 * The stable error codes of everything except connectors, which have their own (`ConnectorPlugin.errorCodes`).
 * docs/errors.md is generated from both.
 */
export const ERROR_CODES = {
  CONFIG_INVALID: {
    text: "A configuration key has an invalid value.",
    advice:
      "Correct the key that the message names; PUT /connector-plugins/{class}/config/validate checks a configuration without creating the connector.",
  },
  CONFIG_MISSING: {
    text: "A required configuration key is missing.",
    advice: "Add the key that the message names.",
  },
  CONFIG_UNSUPPORTED: {
    text: "A configuration key has a value that is valid in Java, and that Millrace does not support.",
    advice: "Choose one of the values that the message names; docs/compatibility.md lists what is not supported.",
  },
  OFFSETS_UNANSWERED: {
    text: "Source offsets could not be read from, or stored in, the offsets topic in time.",
    advice: "Nothing: the task retries until Kafka answers. The message has the cause.",
  },
  STANDALONE_WORKER: {
    text: "The request is one between the workers of a group, and this worker is standalone.",
    advice: "Nothing: a standalone worker plans the tasks of its connectors itself.",
  },
  OFFSET_INVALID: {
    text: "An offset in a request is not one that the connector, or Kafka, could continue from. Nothing was altered unless the message says so.",
    advice:
      "Compare it with the answer of GET /connectors/{name}/offsets; the message names the partition or key that does not fit.",
  },
  OFFSETS_IN_USE: {
    text: "Members of the sink connector's consumer group are still alive, so its offsets cannot be altered.",
    advice:
      "Repeat the request in a moment. If it is still refused, look for another consumer with the group's id, or for a worker that hangs in a task's `stop`, and restart it.",
  },
  OFFSETS_NOT_ALTERED: {
    text: "The offsets of a connector could not be altered or reset.",
    advice: "See the cause and repeat the request: it may have been carried out in part.",
  },
  OFFSETS_FIXED: {
    text: "The connector does not support that its offsets are altered or reset.",
    advice: "Delete the connector and create it under another name: it then starts without offsets.",
  },
  CONNECTOR_NOT_STOPPED: {
    text: "The offsets of a connector can be altered and reset only while it is STOPPED.",
    advice: "PUT /connectors/{name}/stop, and resume it afterwards.",
  },
  SCHEMA_INVALID: {
    text: "A schema was built incorrectly.",
    advice: "This is a fault of the plugin that built the schema: report it with the message.",
  },
  VALUE_INVALID: {
    text: "A value does not fit its schema.",
    advice:
      "Check the field that the message names; with errors.tolerance=all such records go to the dead letter queue or log.",
  },
  RECORD_MALFORMED: {
    text: "The bytes of a record are not in the converter's format.",
    advice:
      "Compare key.converter, value.converter and their schemas.enable with the format of the producer; with errors.tolerance=all such records go to the dead letter queue or log.",
  },
  CONVERTER_NOT_PREPARED: {
    text: "A converter still lacks something for a record (a schema from its registry) after its `prepare`.",
    advice:
      "This is a fault of the converter, or of a plugin that calls one without awaiting its `prepare`: report it with the message.",
  },
  REGISTRY_UNREACHABLE: {
    text: "No instance of the schema registry has answered.",
    advice:
      "Check schema.registry.url and that the registry runs. errors.retry.timeout says how long a task tries again; such a record is never skipped.",
  },
  REGISTRY_UNAUTHORIZED: {
    text: "The schema registry refuses this client.",
    advice:
      "Check basic.auth.* or bearer.auth.* of the converter, and what that user may do, then restart the task. Such a record is never skipped.",
  },
  REGISTRY_SCHEMA_REFUSED: {
    text: "The schema registry has not taken the schema of a record, for instance because it is incompatible with an earlier one.",
    advice:
      "See the registry's message. Undo the change of the schema, or allow it by the compatibility of the subject; then restart the task.",
  },
  REGISTRY_SCHEMA_UNKNOWN: {
    text: "The schema registry does not have the schema of a record.",
    advice:
      "Compare schema.registry.url with the registry of the record's producer. With auto.register.schemas=false, register the schema.",
  },
  CLASS_NOT_FOUND: {
    text: "No plugin of this worker has this class name or alias.",
    advice: "Correct the class, or add the folder that holds the plugin to plugin.path and restart the worker.",
  },
  LOGGER_NOT_FOUND: {
    text: "No logger of this worker has this name.",
    advice: "GET /admin/loggers lists them; PUT /admin/loggers/{name} creates one.",
  },
  PLUGIN_VERSION_NOT_FOUND: {
    text: "This worker has the plugin's class, but no version that the plugin.version key accepts.",
    advice: "Choose one of the versions that the message lists, or leave the key out to get the newest.",
  },
  CONNECTOR_NOT_RUNNING: {
    text: "The connector is not running on this worker, so it has no task configurations.",
    advice: "Check its status; resume or restart it first.",
  },
  TOLERANCE_EXCEEDED: {
    text: "A record could not be processed, and errors.tolerance=none tolerates no bad record.",
    advice:
      "See the cause. Correct the record or the converter, or set errors.tolerance=all with a dead letter queue or errors.log.enable.",
  },
  TOPIC_NOT_CREATED: {
    text: "A topic that a task needs is missing and could not be created.",
    advice:
      "See the cause; create the topic by hand, or correct the topic.creation.* or errors.deadletterqueue.* keys.",
  },
  FENCING_FAILED: {
    text: "The producers of a source connector's earlier tasks were not fenced, so that its tasks may not write yet.",
    advice:
      "See the cause. A task that waits for it continues by itself; a FAILED one must be restarted. The connector's admin client needs Write and Describe on the transactional ids <group.id>-<connector>-<task>.",
  },
  TRANSACTION_LOST: {
    text: "The cluster has ended a task's transaction: another producer took over its transactional id, or it took too long. Nothing of it is visible.",
    advice:
      "Restart the task, which continues after its last transaction. If transactions take too long, raise producer.override.transaction.timeout.ms, lower transaction.boundary.interval.ms, or set transaction.boundary to 'poll'.",
  },
  DEAD_LETTER_FAILED: {
    text: "A bad record could not be written to the dead letter queue; the task stops rather than lose it.",
    advice: "See the cause; correct the dead letter topic, then restart the task.",
  },
  PARTITION_NOT_OPEN: {
    text: "A sink task named a partition that it does not own.",
    advice: "This is a fault of the plugin: report it with the message.",
  },
  TASK_HOST_LOST: {
    text: "The thread that ran the task ended or stopped answering, in the code of this task or of the worker.",
    advice:
      "See the reason (memory, an endless loop) and report it to the plugin's makers; restart the task. Its other tasks continue in a new thread.",
  },
  CONNECTOR_HOST_LOST: {
    text: "The thread that runs connectors and validations ended, or stopped answering, in the code of this plugin.",
    advice:
      "See the reason (an endless loop, memory) and report it to the plugin's makers; restart the connector. Others continue by themselves.",
  },
  VALIDATION_UNANSWERED: {
    text: "A plugin took too long to list its keys, to validate a configuration or to judge offsets.",
    advice:
      "Check that the worker can reach the systems in the configuration (a database, a store), and repeat the request.",
  },
  CONNECTOR_NOT_FOUND: {
    text: "No connector has this name.",
    advice: "GET /connectors lists them; names in paths are URL-encoded.",
  },
  CONFIG_CHANGED: {
    text: "The connector's configuration has changed since its task configurations were generated from it.",
    advice: "Nothing: the connector restarts with the new configuration and generates them again.",
  },
  CONNECTOR_EXISTS: {
    text: "A connector of that name exists already.",
    advice: "PUT /connectors/{name}/config changes it; DELETE it first to start over.",
  },
  TASK_NOT_FOUND: {
    text: "The connector has no task with this number.",
    advice: "GET /connectors/{name}/tasks lists them; a stopped connector has none.",
  },
  STATUS_NOT_FOUND: {
    text: "The connector or task has no status yet.",
    advice: "Try again in a moment; statuses are written in the rebalance that follows a change.",
  },
  PORT_IN_USE: {
    text: "Another process uses the port.",
    advice: "Stop that process or choose another port; port 0 takes any free one and prints it.",
  },
  REGISTRY_URL_TAKEN: {
    text: "Two schema registries of a group advertise one URL.",
    advice: "Give each a unique address with listeners, host.name and host.port.",
  },
  ADDRESS_UNUSABLE: {
    text: "This machine cannot listen on the address.",
    advice: "Choose an address of this machine, and a port above 1023 unless you are root.",
  },
  DATA_FOLDER_LOCKED: {
    text: "Another process has the broker's data folder open.",
    advice: "Stop that process, or choose another folder with --data.",
  },
  BROKER_UNREACHABLE: {
    text: "No broker of bootstrap.servers answers.",
    advice: "Start Kafka, or correct bootstrap.servers and its security settings.",
  },
  STORE_UNREADABLE: {
    text: "An internal topic (configs, offsets, statuses) cannot be read or created.",
    advice:
      "Check that the brokers of bootstrap.servers answer, and that this worker may use the topic that the message names.",
  },
  STORE_UNWRITABLE: {
    text: "An internal topic (configs, offsets, statuses) did not accept a write.",
    advice: "Check that the brokers of bootstrap.servers answer; a write that timed out may still succeed.",
  },
} as const satisfies ErrorCodes;

/** A code of a plugin's own, which begins with the plugin's name: `S3_BUCKET_MISSING`. */
export type PluginErrorCode = `${Uppercase<string>}_${Uppercase<string>}`;

export type ErrorCode = keyof typeof ERROR_CODES | PluginErrorCode;
