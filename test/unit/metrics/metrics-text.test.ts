import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { ThreadMeter } from "../../../src/base/metrics/thread-load.js";
import { ClientMeter } from "../../../src/kafka/client-meter.js";
import { metricsText } from "../../../src/metrics/metrics-text.js";
import type { ScrapeReport } from "../../../src/metrics/scrape-report.js";
import { WORKER_METRICS } from "../../../src/metrics/worker-metrics.js";
import { TaskCounters, type TaskGauges } from "../../../src/worker/task/task-counters.js";

const classes = { type: "sink", connectorClass: "x.Sink", taskClass: "x.SinkTask" } as const;
const counters = new TaskCounters({ connector: 'sh"op', task: 0 }, "sink");
counters.batch(7, 0);
counters.called(12, 0);
const client = new ClientMeter("", new SimClock()).metrics();
const gauges: TaskGauges = {
  lagRecords: 3,
  lagRecordsMax: 2,
  lagBytes: 0,
  activeRecords: 2,
  awaitingBoundary: 0,
  own: {},
  pendingRecords: 0,
  source: undefined,
  partitions: 4,
  deadLetters: { requests: 5, failures: 1 },
  clients: [
    { kind: "consumer", ...client, clientId: "connector-consumer-shop-0", recordsConsumed: 11 },
    { kind: "producer", ...client, clientId: "connector-dlq-producer", recordsSent: 13 },
  ],
};
const load = new ThreadMeter(new SimClock()).load();
const host = { kind: "shared", answering: true, tasks: 1, silentMs: 500 } as const;

const report: ScrapeReport = {
  version: "1.0",
  commit: "c",
  process: { cpuSeconds: 1.5, residentBytes: 100, startedMs: 1_000 },
  thread: load,
  connectors: [
    {
      name: 'sh"op',
      state: "RUNNING",
      trace: null,
      version: "2",
      retention: { bytes: 300, limitBytes: 1000 },
      ...classes,
    },
  ],
  tasks: [
    {
      id: { connector: 'sh"op', task: 0 },
      state: "RUNNING",
      trace: null,
      version: "2",
      runningRatio: 0.5,
      pausedRatio: 0,
      heldUpMs: 0,
      ...classes,
    },
    {
      id: { connector: 'sh"op', task: 1 },
      state: "FAILED",
      trace: "boom",
      version: null,
      runningRatio: 0,
      pausedRatio: 0,
      heldUpMs: 0,
      ...classes,
    },
  ],
  taskMetrics: [counters.snapshot(gauges, 0)],
  hosts: [
    { name: "host-0", ...host, load: { ...load, heapUsedBytes: 42 } },
    { name: "host-1", ...host, load: undefined },
  ],
  starts: { connectors: { attempts: 1, successes: 1, failures: 0 }, tasks: { attempts: 2, successes: 1, failures: 1 } },
  group: {
    rebalancing: true,
    completed: 0,
    timeMs: 0,
    maxMs: 0,
    sinceMs: Number.POSITIVE_INFINITY,
    protocol: "sessioned",
    leaderUrl: undefined,
    generation: 0,
    assignedConnectors: 1,
    assignedTasks: 2,
  },
};

test("a report becomes Prometheus's text, with a type for every metric and labels for every sample", async () => {
  const text = await metricsText(WORKER_METRICS, report);
  for (const line of [
    "# TYPE kafka_connect_sink_task_sink_record_read_total counter",
    'kafka_connect_sink_task_sink_record_read_total{connector="sh\\"op",task="0"} 7',
    'kafka_connect_sink_task_put_batch_max_time_ms{connector="sh\\"op",task="0"} 12',
    'kafka_connect_task_error_deadletterqueue_produce_failures{connector="sh\\"op",task="0"} 1',
    'kafka_connect_connector_task_status{connector="sh\\"op",task="1",status="failed"} 1',
    'kafka_connect_worker_connector_failed_task_count{connector="sh\\"op"} 1',
    "kafka_connect_worker_rebalance_time_since_last_rebalance_ms +Inf",
    "kafka_connect_worker_rebalance_completed_rebalances_total 0",
    "kafka_connect_worker_task_startup_failure_total 1",
    'millrace_host_heap_used_bytes{host="host-0"} 42',
    'millrace_host_silent_seconds{host="host-1"} 0.5',
    'kafka_consumer_fetch_manager_records_consumed_total{connector="sh\\"op",task="0",client_id="connector-consumer-shop-0"} 11',
    'kafka_consumer_fetch_manager_records_lag_max{connector="sh\\"op",task="0",client_id="connector-consumer-shop-0"} 2',
    'kafka_producer_record_send_total{connector="sh\\"op",task="0",client_id="connector-dlq-producer"} 13',
    'millrace_sink_task_lag_records{connector="sh\\"op",task="0"} 3',
    'millrace_source_retained_bytes{connector="sh\\"op"} 300',
    'millrace_source_retained_limit_bytes{connector="sh\\"op"} 1000',
  ])
    expect(text).toContain(`${line}\n`);
  expect(text).not.toContain("millrace_source_retained_seconds_to_limit{");
  expect(text).not.toContain('millrace_host_heap_used_bytes{host="host-1"}');
  expect(text).not.toContain(
    'kafka_producer_record_send_total{connector="sh\\"op",task="0",client_id="connector-consumer',
  );
  expect(text).not.toContain("kafka_connect_source_task_source_record_poll_total{");
});

test("names are unique, and those that end in _total are counters", () => {
  const names = WORKER_METRICS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type } of WORKER_METRICS)
    if (/_total$/.test(name)) expect([name, type]).toEqual([name, "counter"]);
});

test("scrapes at the same time do not mix", async () => {
  const other = { ...report, version: "2.0" };
  const [first, second] = await Promise.all([metricsText(WORKER_METRICS, report), metricsText(WORKER_METRICS, other)]);
  expect(first).toContain('version="1.0"');
  expect(second).toContain('version="2.0"');
  expect(second).not.toContain('version="1.0"');
});
