import { CLIENT_METRICS } from "./client-metrics.js";
import { labelsOf, type Metric } from "./metric.js";
import {
  ofState,
  ofTasks,
  one,
  retention,
  sink,
  source,
  starts,
  task,
  tasksOfConnector,
  thread,
} from "./metric-families.js";
import type { ScrapeReport } from "./scrape-report.js";

/** The media type of Prometheus's text format. */
export const METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const RECENT = ", of the last 30 to 60 s.";

/**
 * The metrics of a worker, under the names of Kafka Connect's MBeans: `kafka_connect_<group>_<attribute>`, the group
 * without `connect-` and `-metrics`. Names that begin with `millrace_` are our own.
 */
export const WORKER_METRICS: readonly Metric<ScrapeReport>[] = [
  {
    name: "kafka_connect_app_info",
    type: "gauge",
    labels: ["version", "commit_id"],
    help: "Version and commit of this worker; always 1.",
    samples: ({ version, commit }) => [[{ version, commit_id: commit }, 1]],
  },
  one("kafka_connect_app_start_time_ms", "gauge", "Start of the process, in ms since 1970.", ({ process }) =>
    Math.round(process.startedMs),
  ),

  one(
    "kafka_connect_worker_connector_count",
    "gauge",
    "Connectors that run on this worker.",
    (report) => report.connectors.length,
  ),
  one(
    "kafka_connect_worker_task_count",
    "gauge",
    "Tasks that run on this worker, FAILED ones included.",
    (report) => report.tasks.length,
  ),
  ...starts("connector", ({ starts: { connectors } }) => connectors),
  ...starts("task", ({ starts: { tasks } }) => tasks),
  tasksOfConnector("total", () => true),
  tasksOfConnector("running", ({ state }) => state === "RUNNING"),
  tasksOfConnector("paused", ({ state }) => state === "PAUSED"),
  tasksOfConnector("failed", ({ state }) => state === "FAILED"),
  tasksOfConnector("unassigned", ({ state }) => state === "UNASSIGNED"),

  {
    name: "kafka_connect_worker_rebalance_info",
    type: "gauge",
    labels: ["connect_protocol", "leader_name"],
    help: "The configured group protocol and the leader's URL, empty while the group rebalances; always 1.",
    samples: ({ group }) => [[{ connect_protocol: group.protocol, leader_name: group.leaderUrl ?? "" }, 1]],
  },
  one("kafka_connect_worker_rebalance_epoch", "gauge", "Generation of the group.", ({ group }) => group.generation),
  one(
    "kafka_connect_worker_rebalance_rebalancing",
    "gauge",
    "1 while this worker has no place in the group.",
    (report) => Number(report.group.rebalancing),
  ),
  one(
    "kafka_connect_worker_rebalance_completed_rebalances_total",
    "counter",
    "Completed rebalances.",
    (report) => report.group.completed,
  ),
  one(
    "kafka_connect_worker_rebalance_rebalance_time_ms_total",
    "counter",
    "Their time, in ms.",
    ({ group }) => group.timeMs,
  ),
  one(
    "kafka_connect_worker_rebalance_rebalance_max_time_ms",
    "gauge",
    `The longest, in ms${RECENT}`,
    ({ group }) => group.maxMs,
  ),
  one(
    "kafka_connect_worker_rebalance_time_since_last_rebalance_ms",
    "gauge",
    "Since the last one; +Inf before it.",
    (report) => report.group.sinceMs,
  ),
  one(
    "kafka_connect_coordinator_assigned_connectors",
    "gauge",
    "Connectors that the leader assigned to this worker.",
    (report) => report.group.assignedConnectors,
  ),
  one(
    "kafka_connect_coordinator_assigned_tasks",
    "gauge",
    "Tasks that the leader assigned to this worker.",
    (report) => report.group.assignedTasks,
  ),

  {
    name: "kafka_connect_connector_info",
    type: "gauge",
    labels: ["connector", "connector_type", "connector_class", "connector_version"],
    help: "Class, type and version of a connector that runs on this worker; always 1.",
    samples: ({ connectors }) =>
      connectors.map(({ name, type, connectorClass, version }) => [
        {
          connector: name,
          connector_type: type ?? "unknown",
          connector_class: connectorClass ?? "unknown",
          connector_version: version ?? "unknown",
        },
        1,
      ]),
  },
  {
    name: "kafka_connect_connector_status",
    type: "gauge",
    labels: ["connector", "status"],
    help: "The state of a connector that runs on this worker, in lower case; always 1.",
    samples: ({ connectors }) =>
      connectors.map(({ name, state }) => [{ connector: name, status: state.toLowerCase() }, 1]),
  },

  {
    name: "kafka_connect_connector_task_info",
    type: "gauge",
    labels: ["connector", "task", "connector_type", "connector_class", "task_class", "task_version"],
    help: "Classes, type and version of a task that runs on this worker; always 1.",
    samples: ({ tasks }) =>
      tasks.map(({ id, type, connectorClass, taskClass, version }) => [
        {
          ...labelsOf(id),
          connector_type: type ?? "unknown",
          connector_class: connectorClass ?? "unknown",
          task_class: taskClass ?? "unknown",
          task_version: version ?? "unknown",
        },
        1,
      ]),
  },
  {
    name: "kafka_connect_connector_task_status",
    type: "gauge",
    labels: ["connector", "task", "status"],
    help: "The state of a task that runs on this worker, in lower case; always 1.",
    samples: ({ tasks }) => tasks.map(({ id, state }) => [{ ...labelsOf(id), status: state.toLowerCase() }, 1]),
  },
  ofState(
    "running_ratio",
    "Share of its time in which the task has been RUNNING, 0 to 1.",
    (task) => task.runningRatio,
  ),
  ofState("pause_ratio", "Share of its time in which the task has been PAUSED, 0 to 1.", (task) => task.pausedRatio),
  task("connector_task_batch_size_max", "gauge", `Records in the largest batch${RECENT}`, (m) => m.batchRecordsMax),
  task("connector_task_batch_total", "counter", "Batches that were not empty.", (m) => m.batches),
  task("connector_task_offset_commit_success_total", "counter", "Offset commits that succeeded.", (m) => m.commits),
  task(
    "connector_task_offset_commit_failure_total",
    "counter",
    "Offset commits that failed or took too long.",
    (m) => m.commitFailures,
  ),
  task(
    "connector_task_offset_commit_time_ms_total",
    "counter",
    "Time of offset commits, in ms.",
    (m) => m.commitTimeMs,
  ),
  task(
    "connector_task_offset_commit_max_time_ms",
    "gauge",
    `The longest offset commit, in ms${RECENT}`,
    (m) => m.commitMaxMs,
  ),

  source("source_record_poll_total", "counter", "Records that the task returned.", (m) => m.recordsRead),
  source("source_record_write_total", "counter", "Records that Kafka acknowledged.", (m) => m.recordsWritten),
  source("poll_batch_total", "counter", "Calls of poll that returned records.", (m) => m.calls),
  source("poll_batch_time_ms_total", "counter", "Time of these calls, in ms.", (m) => m.callTimeMs),
  source("poll_batch_max_time_ms", "gauge", `The longest of these calls, in ms${RECENT}`, (m) => m.callMaxMs),
  source(
    "source_record_active_count",
    "gauge",
    "Records that were polled and are not acknowledged.",
    (m) => m.activeRecords,
  ),
  source("source_record_active_count_max", "gauge", `The most of them${RECENT}`, (m) => m.activeRecordsMax),
  source("transaction_total", "counter", "Transactions that were committed.", (m) => m.transactions),
  source("transaction_records_total", "counter", "Records in these transactions.", (m) => m.transactionRecords),
  source("transaction_size_max", "gauge", `Records in the largest of them${RECENT}`, (m) => m.transactionRecordsMax),
  source("transaction_size_min", "gauge", `Records in the smallest of them${RECENT}`, (m) => m.transactionRecordsMin),

  sink("sink_record_read_total", "counter", "Records read from topics.", (m) => m.recordsRead),
  sink("sink_record_send_total", "counter", "Records that put took.", (m) => m.recordsWritten),
  sink("put_batch_total", "counter", "Calls of put with records.", (m) => m.calls),
  sink("put_batch_time_ms_total", "counter", "Time of these calls, in ms.", (m) => m.callTimeMs),
  sink("put_batch_max_time_ms", "gauge", `The longest of these calls, in ms${RECENT}`, (m) => m.callMaxMs),
  sink("partition_count", "gauge", "Topic partitions that the task reads.", (m) => m.partitions),
  sink("offset_commit_completion_total", "counter", "Offset commits that succeeded.", (m) => m.commits),
  sink(
    "sink_record_active_count",
    "gauge",
    "Records that were put and whose offsets are not committed.",
    (m) => m.activeRecords,
  ),
  sink("sink_record_active_count_max", "gauge", `The most of them${RECENT}`, (m) => m.activeRecordsMax),

  task("task_error_total_record_failures", "counter", "Failed attempts to process a record.", (m) => m.recordsFailed),
  task(
    "task_error_total_record_errors",
    "counter",
    "Records given up after their last attempt.",
    (m) => m.recordErrors,
  ),
  task(
    "task_error_total_records_skipped",
    "counter",
    "Records dropped by a transformation, or because errors are tolerated.",
    (m) => m.recordsSkipped,
  ),
  task("task_error_total_retries", "counter", "Further attempts to process a record.", (m) => m.retries),
  task("task_error_total_errors_logged", "counter", "Failed records reported in the log.", (m) => m.errorsLogged),
  task(
    "task_error_deadletterqueue_produce_requests",
    "counter",
    "Records sent to the dead letter queue.",
    (m) => m.deadLetters.requests,
  ),
  task(
    "task_error_deadletterqueue_produce_failures",
    "counter",
    "Records that could not be written to it.",
    (m) => m.deadLetters.failures,
  ),
  task(
    "task_error_last_error_timestamp",
    "gauge",
    "When the last record was given up, in ms since 1970; 0 if none was.",
    (m) => m.lastErrorMs ?? 0,
  ),

  ofTasks(
    "millrace_sink_task_lag_records",
    "gauge",
    "Records between the task's position and the ends of its partitions, as of its last fetch.",
    (m) => m.lagRecords,
    "sink",
  ),
  {
    name: "millrace_source_task_lag_bytes",
    type: "gauge",
    labels: ["connector", "task"],
    help: "Bytes of its source that the task has not returned, for tasks that know it.",
    samples: ({ taskMetrics }) =>
      taskMetrics.flatMap(({ id, source: lag }) =>
        lag?.lagBytes === undefined ? [] : [[labelsOf(id), lag.lagBytes] as const],
      ),
  },
  {
    name: "millrace_source_task_lag_ms",
    type: "gauge",
    labels: ["connector", "task"],
    help: "From the last returned record's change at its source to its return, in ms, for tasks that know it.",
    samples: ({ taskMetrics }) =>
      taskMetrics.flatMap(({ id, source: lag }) =>
        lag?.lagMs === undefined ? [] : [[labelsOf(id), lag.lagMs] as const],
      ),
  },
  retention("bytes", "Bytes that a source keeps because its connector has not read them", ({ bytes }) => bytes),
  retention("bytes_per_second", "Their growth", ({ bytesPerSecond }) => bytesPerSecond),
  retention("limit_bytes", "How many it may keep", ({ limitBytes }) => limitBytes),
  retention("seconds_to_limit", "Until it does, if they go on growing like this", (kept) => kept.secondsToLimit),
  {
    name: "millrace_source_task_gauge",
    type: "gauge",
    labels: ["connector", "task", "name"],
    help: "A number that a source task reports of itself, by the connector's own name for it.",
    samples: ({ taskMetrics }) =>
      taskMetrics.flatMap(({ id, own }) =>
        Object.entries(own).map(([name, value]) => [{ ...labelsOf(id), name }, value] as const),
      ),
  },
  {
    name: "millrace_task_held_up_seconds",
    type: "gauge",
    labels: ["connector", "task"],
    help: "How long a task has made no progress although it has work left; 0 otherwise.",
    samples: ({ tasks }) => tasks.map(({ id, heldUpMs }) => [labelsOf(id), heldUpMs / 1000]),
  },
  ofTasks(
    "millrace_source_task_buffered_bytes",
    "gauge",
    "Bytes of records that wait for Kafka's acknowledgement.",
    (m) => m.lagBytes,
    "source",
  ),
  ofTasks(
    "millrace_task_plugin_time_ms_total",
    "counter",
    "Time inside poll or put, waits for records included, in ms.",
    (m) => m.taskTimeMs,
  ),

  ...CLIENT_METRICS,

  {
    name: "millrace_host_tasks",
    type: "gauge",
    labels: ["host", "kind"],
    help: "Tasks in a thread.",
    samples: ({ hosts }) => hosts.map(({ name, kind, tasks }) => [{ host: name, kind }, tasks]),
  },
  {
    name: "millrace_host_silent_seconds",
    type: "gauge",
    labels: ["host"],
    help: "Since a thread's last message: more than a few seconds if it hangs. Its other metrics are then the last known.",
    samples: ({ hosts }) => hosts.map(({ name, silentMs }) => [{ host: name }, silentMs / 1000]),
  },
  thread(
    "event_loop_active_seconds_total",
    "counter",
    "Time in which a thread worked.",
    ({ activeMs }) => activeMs / 1000,
  ),
  thread(
    "event_loop_idle_seconds_total",
    "counter",
    "Time in which a thread waited for events.",
    ({ idleMs }) => idleMs / 1000,
  ),
  thread(
    "event_loop_delay_max_seconds",
    "gauge",
    `The longest time that a timer waited for a busy thread${RECENT}`,
    ({ delayMaxMs }) => delayMaxMs / 1000,
  ),
  thread("heap_used_bytes", "gauge", "Used heap of a thread.", ({ heapUsedBytes }) => heapUsedBytes),
  thread("heap_size_bytes", "gauge", "Allocated heap of a thread.", ({ heapTotalBytes }) => heapTotalBytes),
  thread(
    "external_bytes",
    "gauge",
    "Buffers and other memory outside the heap that a thread holds.",
    ({ externalBytes }) => externalBytes,
  ),

  one("process_cpu_seconds_total", "counter", "CPU time of the process.", ({ process }) => process.cpuSeconds),
  one(
    "process_resident_memory_bytes",
    "gauge",
    "Resident memory of the process.",
    ({ process }) => process.residentBytes,
  ),
  one(
    "process_start_time_seconds",
    "gauge",
    "Start of the process, in seconds since 1970.",
    ({ process }) => process.startedMs / 1000,
  ),
];
