import type { ThreadLoad } from "../base/metrics/thread-load.js";
import type { WorkerReport } from "../herder/worker-report.js";
import type { Starts, TaskMetrics, TaskSnapshot } from "../worker/worker.js";
import { labelsOf, type Metric } from "./metric.js";
import type { ScrapeReport } from "./scrape-report.js";

type Type = Metric<ScrapeReport>["type"];

/** A number of the worker as a whole. */
export function one(
  name: string,
  type: Type,
  help: string,
  of: (report: ScrapeReport) => number,
): Metric<ScrapeReport> {
  return { name, type, labels: [], help, samples: (report) => [[{}, of(report)]] };
}

export function starts(what: "connector" | "task", of: (report: ScrapeReport) => Starts): Metric<ScrapeReport>[] {
  const name = (part: string) => `kafka_connect_worker_${what}_startup_${part}_total`;
  return [
    one(name("attempts"), "counter", `Starts of a ${what} on this worker.`, (report) => of(report).attempts),
    one(name("success"), "counter", "Those that succeeded.", (report) => of(report).successes),
    one(name("failure"), "counter", "Those that failed.", (report) => of(report).failures),
  ];
}

/** What sources keep for a connector, by connector. */
export function retention(
  figure: string,
  help: string,
  of: (retention: NonNullable<WorkerReport["connectors"][number]["retention"]>) => number | undefined,
): Metric<ScrapeReport> {
  return {
    name: `millrace_source_retained_${figure}`,
    type: "gauge",
    labels: ["connector"],
    help: `${help}, for connectors that know it.`,
    samples: ({ connectors }) =>
      connectors.flatMap(({ name, retention: kept }) => {
        const value = kept === null ? undefined : of(kept);
        return value === undefined ? [] : [[{ connector: name }, value] as const];
      }),
  };
}

/** Tasks on this worker in a state, by connector. */
export function tasksOfConnector(state: string, fits: (task: TaskSnapshot) => boolean): Metric<ScrapeReport> {
  return {
    name: `kafka_connect_worker_connector_${state}_task_count`,
    type: "gauge",
    labels: ["connector"],
    help: state === "total" ? "A connector's tasks on this worker." : `Those that are ${state}.`,
    samples({ tasks }) {
      const counts = new Map<string, number>();
      for (const each of tasks) {
        const { connector } = each.id;
        counts.set(connector, (counts.get(connector) ?? 0) + Number(fits(each)));
      }
      return [...counts].map(([connector, count]) => [{ connector }, count]);
    },
  };
}

export function ofState(name: string, help: string, of: (task: TaskSnapshot) => number): Metric<ScrapeReport> {
  return {
    name: `kafka_connect_connector_task_${name}`,
    type: "gauge",
    labels: ["connector", "task"],
    help,
    samples: ({ tasks }) => tasks.map((each) => [labelsOf(each.id), of(each)]),
  };
}

export function ofTasks(
  name: string,
  type: Type,
  help: string,
  of: (metrics: TaskMetrics) => number,
  only?: TaskMetrics["type"],
): Metric<ScrapeReport> {
  return {
    name,
    type,
    labels: ["connector", "task"],
    help,
    samples: ({ taskMetrics }) =>
      taskMetrics
        .filter((metrics) => only === undefined || metrics.type === only)
        .map((metrics) => [labelsOf(metrics.id), of(metrics)]),
  };
}

export function task(name: string, type: Type, help: string, of: (metrics: TaskMetrics) => number) {
  return ofTasks(`kafka_connect_${name}`, type, help, of);
}

export function source(name: string, type: Type, help: string, of: (metrics: TaskMetrics) => number) {
  return ofTasks(`kafka_connect_source_task_${name}`, type, help, of, "source");
}

export function sink(name: string, type: Type, help: string, of: (metrics: TaskMetrics) => number) {
  return ofTasks(`kafka_connect_sink_task_${name}`, type, help, of, "sink");
}

/** Of each thread that answers: the worker's own and the hosts'. */
export function thread(name: string, type: Type, help: string, of: (load: ThreadLoad) => number): Metric<ScrapeReport> {
  return {
    name: `millrace_host_${name}`,
    type,
    labels: ["host"],
    help,
    samples: ({ thread: own, hosts }) => [
      [{ host: "worker" }, of(own)],
      ...hosts.flatMap(({ name: host, load }) => (load ? [[{ host }, of(load)] as const] : [])),
    ],
  };
}
