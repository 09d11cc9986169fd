import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WORKER_METRICS } from "../../src/metrics/worker-metrics.js";
import { fileText } from "../support/file-watch.js";
import { kafkaClient } from "../support/kafka-client.js";
import { TestStack } from "../support/stack.js";

// A source whose poll never returns and never yields, and one that knows how late its records are, and what is kept for it.
const PLUGIN = `
export default [{
  type: "source",
  className: "com.example.Late",
  taskClassName: "com.example.LateTask",
  version: "1",
  connector: () => ({
    config: {},
    start: async (context) => context.reportRetention({ bytes: 4, bytesPerSecond: 3, limitBytes: 10, secondsToLimit: 2 }),
    taskConfigs: async () => [{}],
    stop: async () => {},
  }),
  task: async () => {
    let context;
    return {
      async start(given) { context = given; },
      async poll() { await context.clock.delay(60000, context.stopping); },
      lag: () => ({ lagMs: 250 }),
      gauges: () => ({ pages: 7 }),
      async stop() {},
    };
  },
}, {
  type: "source",
  className: "com.example.Spin",
  taskClassName: "com.example.SpinTask",
  version: "1",
  connector: () => ({ config: {}, start: async () => {}, taskConfigs: async () => [{}], stop: async () => {} }),
  task: async () => ({ async start() {}, async poll() { for (;;); }, async stop() {} }),
}];
`;

describe("/metrics", () => {
  let stack: TestStack;
  let text: string;
  const plugins = mkdtempSync(join(tmpdir(), "millrace-metrics-"));

  const scrape = async () => {
    const { status, headers, body } = await stack.rest.get("/metrics");
    expect([status, headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    return body as string;
  };
  const value = (sample: string) => Number(new RegExp(`^${sample} (\\S+)$`, "m").exec(text)?.[1]);

  beforeAll(async () => {
    // Hosts as threads, as in production.
    mkdirSync(join(plugins, "spin"));
    writeFileSync(join(plugins, "spin", "index.mjs"), PLUGIN);
    stack = await TestStack.start({
      props: {
        "task.isolation": "shared",
        "task.hosts": "1",
        "plugin.path": plugins,
        "task.shutdown.graceful.timeout.ms": "100",
      },
    });
    // Before the sink subscribes: it finds later topics only after some seconds.
    const client = kafkaClient(stack.kafka);
    await client.admin.createTopics([{ name: "lines", partitions: 1, replicationFactor: 1 }]);
    await client.close();
    const [from, to] = [join(stack.folder, "from.txt"), join(stack.folder, "to.txt")];
    writeFileSync(from, "one\ntwo\nthree\nunfinished");
    await stack.rest.create("source", { "connector.class": "FileStreamSource", file: from, topic: "lines" });
    await stack.rest.create("sink", { "connector.class": "FileStreamSink", file: to, topics: "lines" });
    await stack.rest.create("late", { "connector.class": "com.example.Late" });
    await stack.statuses.running("late");
    await fileText(to, (written) => written === "one\ntwo\nthree\n");
    text = await scrape();
  });
  afterAll(async () => {
    await stack.close();
    rmSync(plugins, { recursive: true, force: true });
  });

  test("has a type, a help and a sample for every documented metric", () => {
    for (const { name, type, labels } of WORKER_METRICS) {
      expect(text).toContain(`# TYPE ${name} ${type}\n`);
      const [, shown = ""] = new RegExp(`^${name}(?:\\{(.*)\\})? \\S+$`, "m").exec(text) ?? [undefined, "no sample"];
      expect([name, [...shown.matchAll(/(\w+)="/g)].map(([, label]) => label)]).toEqual([name, labels]);
    }
  });

  test("counts the records of a source and a sink", () => {
    const [source, sink] = ['\\{connector="source",task="0"\\}', '\\{connector="sink",task="0"\\}'];
    expect(value(`kafka_connect_source_task_source_record_poll_total${source}`)).toBe(3);
    expect(value(`millrace_source_task_lag_bytes${source}`)).toBe("unfinished".length);
    expect(value('millrace_source_task_lag_ms\\{connector="late",task="0"\\}')).toBe(250);
    expect(value('millrace_source_retained_seconds_to_limit\\{connector="late"\\}')).toBe(2);
    expect(value('millrace_source_task_gauge\\{connector="late",task="0",name="pages"\\}')).toBe(7);
    expect(value(`kafka_connect_sink_task_sink_record_read_total${sink}`)).toBe(3);
    expect(value(`kafka_connect_sink_task_sink_record_send_total${sink}`)).toBe(3);
    expect(value(`millrace_sink_task_lag_records${sink}`)).toBe(0);
    expect(value(`kafka_connect_worker_connector_running_task_count\\{connector="sink"\\}`)).toBe(1);
    expect(value("kafka_connect_worker_task_startup_success_total")).toBeGreaterThanOrEqual(2);
  });

  test("measures the worker's thread, the task host and the connectors' host", () => {
    for (const host of ["worker", "host-0"])
      expect(value(`millrace_host_heap_used_bytes\\{host="${host}"\\}`)).toBeGreaterThan(1e6);
    expect(value('millrace_host_tasks\\{host="host-0",kind="shared"\\}')).toBe(3);
    expect(text).toContain('millrace_host_silent_seconds{host="connectors"}');
  });

  test("has everything that the Grafana board shows", () => {
    const board = JSON.parse(readFileSync("config/grafana/millrace.json", "utf8"));
    const queries: string[] = [
      ...board.panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr)),
      ...board.templating.list.flatMap(({ definition }: { definition?: string }) => definition ?? []),
    ];
    const names = new Set(queries.flatMap((query) => query.match(/\b(?:kafka|millrace|process)_\w+/g) ?? []));
    expect(names.size).toBeGreaterThan(20);
    for (const name of names) expect(text).toMatch(new RegExp(`^${name}(\\{| )`, "m"));
    const labels = new Set(
      queries.flatMap((query) =>
        [...query.matchAll(/by \((\w+)\)|\{(\w+)=~|,(\w+)=~/g)].flatMap((found) => found.slice(1)),
      ),
    );
    labels.delete("instance"); // added by Prometheus
    expect([...labels].filter((label) => label !== undefined)).toEqual(["connector"]);
  });

  test("answers while a host hangs, with its last known metrics", async () => {
    await stack.rest.create("spin", { "connector.class": "com.example.Spin" });
    await stack.statuses.running("spin");
    text = await scrape();
    expect(value('millrace_host_silent_seconds\\{host="host-0"\\}')).toBeGreaterThan(0.9);
    expect(value('kafka_connect_source_task_source_record_poll_total\\{connector="source",task="0"\\}')).toBe(3);
    expect(value('kafka_connect_connector_task_status\\{connector="spin",task="0",status="running"\\}')).toBe(1);
  });
});
