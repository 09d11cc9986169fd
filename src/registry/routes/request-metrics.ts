import type { RegistryContext } from "../server/registry-context.js";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What `/metrics` of a registry shows, in Prometheus's text. */
export class RequestMetrics {
  readonly #requests = new Map<string, number>();

  constructor(private readonly context: RegistryContext) {}

  count(method: string, status: number): void {
    const labels = `method="${/^[A-Z]{1,10}$/.test(method) ? method : "OTHER"}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  text(): string {
    const { view, place, skipped } = this.context;
    let versions = 0;
    let subjects = 0;
    for (const subject of view.state.subjects) {
      subjects++;
      versions += view.state.versions(subject).length;
    }
    const requests = [...this.#requests].map(
      ([labels, count]) => `millrace_registry_requests_total{${labels}} ${count}`,
    );
    return [
      ...metric("requests_total", "counter", "Requests answered, by method and status.", requests),
      ...metric("subjects", "gauge", "Subjects, with those whose versions are all deleted.", subjects),
      ...metric("versions", "gauge", "Versions of subjects, with those that are deleted.", versions),
      ...metric("leader", "gauge", "1 while this registry leads its group.", place()?.term ? 1 : 0),
      ...metric("skipped_records", "gauge", "Records of the topic that are ignored.", skipped()),
      "",
    ].join("\n");
  }
}

function metric(name: string, type: string, help: string, value: number | readonly string[]): string[] {
  const whole = `millrace_registry_${name}`;
  const lines = typeof value === "number" ? [`${whole} ${value}`] : value;
  return [`# HELP ${whole} ${help}`, `# TYPE ${whole} ${type}`, ...lines];
}
