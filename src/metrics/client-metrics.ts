import type { WorkerReport } from "../herder/worker-report.js";
import type { TaskMetrics } from "../worker/worker.js";
import { labelsOf, type Metric } from "./metric.js";

type ClientOfTask = TaskMetrics["clients"][number];

type Row = readonly [
  name: string,
  type: "counter" | "gauge",
  help: string,
  of: (client: ClientOfTask, task: TaskMetrics) => number,
];

const OF_EVERY_CLIENT: readonly Row[] = [
  ["request_total", "counter", "Requests.", (client) => client.requests],
  ["outgoing_byte_total", "counter", "Bytes of requests.", (client) => client.sentBytes],
  ["incoming_byte_total", "counter", "Bytes of answers.", (client) => client.receivedBytes],
];

/**
 * The metrics of the tasks' Kafka clients, under the names of Kafka's MBeans: `kafka_<domain>_<group>_<attribute>`,
 * without the group where it only repeats the domain.
 */
export const CLIENT_METRICS: readonly Metric<Pick<WorkerReport, "taskMetrics">>[] = [
  ...ofEach("producer", [
    ["record_send_total", "counter", "Records in requests, each attempt counted.", (client) => client.recordsSent],
    ["record_retry_total", "counter", "Records that had to be sent again.", (client) => client.recordsRetried],
    ["record_error_total", "counter", "Records given up.", (client) => client.recordsFailed],
    ["produce_total", "counter", "Answered Produce requests.", (client) => client.transfers],
    ["request_latency_ms_total", "counter", "Their time, in ms.", (client) => client.transferTimeMs],
    [
      "request_latency_max",
      "gauge",
      "The longest of them, in ms, of the last 30 to 60 s.",
      (client) => client.transferMaxMs,
    ],
    ...OF_EVERY_CLIENT,
  ]),
  ...ofEach("consumer", [
    ["fetch_manager_records_consumed_total", "counter", "Records read.", (client) => client.recordsConsumed],
    [
      "fetch_manager_bytes_consumed_total",
      "counter",
      "Bytes of records, as fetched, those that are not read yet included.",
      (client) => client.bytesConsumed,
    ],
    [
      "fetch_manager_records_lag_max",
      "gauge",
      "Records between position and end of the partition that is furthest behind, as of its last fetch.",
      (_client, task) => task.lagRecordsMax,
    ],
    ["fetch_manager_fetch_total", "counter", "Answered Fetch requests.", (client) => client.transfers],
    [
      "fetch_manager_fetch_latency_ms_total",
      "counter",
      "Their time, in ms; the broker holds them while there are no records.",
      (client) => client.transferTimeMs,
    ],
    [
      "fetch_manager_fetch_latency_max",
      "gauge",
      "The longest of them, in ms, of the last 30 to 60 s.",
      (client) => client.transferMaxMs,
    ],
    ...OF_EVERY_CLIENT,
  ]),
];

function ofEach(
  kind: ClientOfTask["kind"],
  rows: readonly Row[],
): readonly Metric<Pick<WorkerReport, "taskMetrics">>[] {
  return rows.map(([name, type, help, of]) => ({
    name: `kafka_${kind}_${name}`,
    type,
    labels: ["connector", "task", "client_id"],
    help,
    samples: ({ taskMetrics }) =>
      taskMetrics.flatMap((task) =>
        task.clients
          .filter((client) => client.kind === kind)
          .map((client) => [{ ...labelsOf(task.id), client_id: client.clientId }, of(client, task)] as const),
      ),
  }));
}
