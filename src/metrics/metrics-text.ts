import { Counter, Gauge, Registry } from "prom-client";
import type { Metric } from "./metric.js";

/** The metrics of one report, in Prometheus's text format. */
export function metricsText<R>(metrics: readonly Metric<R>[], report: R): Promise<string> {
  // A registry per scrape: its values are those of one report, which no other scrape may overwrite.
  const registry = new Registry();
  for (const { name, type, labels, help, samples } of metrics) {
    const config = { name, help, labelNames: labels, registers: [registry] };
    if (type === "counter") {
      const counter = new Counter(config);
      for (const [values, value] of samples(report)) counter.inc(values, value);
    } else {
      const gauge = new Gauge(config);
      for (const [values, value] of samples(report)) gauge.set(values, value);
    }
  }
  return registry.metrics();
}
