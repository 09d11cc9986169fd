// Compares ours with Apache Kafka, Kafka Connect and Debezium, by the originals' own benchmark (`peers bench`,
// cdcbench.py): drain of single-row and 100-row transactions, snapshot, latency at 1,000 tx/s. The original is tuned,
// ours at defaults and tuned, in interleaved runs, each with its limit. Ends with the ratios to the original.
//   MILLRACE_PEERS=…/peers node bench/beside-the-originals.mjs [--rows 200000] [--batched 500000] [--snapshot 2000000]
//     [--rate 1000] [--seconds 15] [--runs 5] [--warm 200000] [--only single|batched|snapshot|latency|all]
//     [--acknowledge disk|cache]: our broker's default, or Kafka's, which answers before a record is on disk
//     [--original yes|no] [--before DIST]: ours alone; and another build of Millrace, in turns with this one
// Needs java, mvn, python3, pgbench and PostgreSQL's server (Debian). Ours is `millrace up`, worker and broker in one
// process with one CPU and memory figure; the original's two processes are shown separately and summed.
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { atEnd, load, measured, median, options, report, temporaryFolder } from "./measurement.mjs";
import { peersHome } from "./peers.mjs";
import { freePort, startMillrace, workerFile } from "./processes.mjs";

const given = options({
  rows: 200_000,
  batched: 500_000,
  snapshot: 2_000_000,
  rate: 1000,
  seconds: 15,
  runs: 5,
  warm: 200_000,
  only: "all",
  acknowledge: "disk",
  original: "yes",
  before: "",
});
// cdcbench.py's four clients only make whole transactions; with other numbers it would wait for the rest.
for (const name of ["rows", "batched", "warm"]) given[name] -= given[name] % 400;
/** Runs `peers`, where the database and the programs of `peers bench` are. */
let peers;

const WORKLOADS = {
  single: ["drain", "--per-txn", "1", "--rows", given.rows],
  batched: ["drain", "--per-txn", "100", "--rows", given.batched],
  snapshot: ["snapshot", "--rows", given.snapshot],
  latency: ["latency", "--rate", given.rate, "--seconds", given.seconds],
};

await measured(async () => {
  const original = await startPeers();
  const before = given.before === "" ? undefined : await startOurs(resolve(given.before));
  const ours = await startOurs();
  const sides = {
    ...(original && { "original, tuned": { ...original, tuned: true } }),
    ...(before && { "before, defaults": { ...before, tuned: false }, "before, tuned": { ...before, tuned: true } }),
    "ours, defaults": { ...ours, tuned: false },
    "ours, tuned": { ...ours, tuned: true },
  };
  const names = given.only === "all" ? Object.keys(WORKLOADS) : [given.only];
  if (given.warm > 0)
    for (const side of [original, before, ours])
      if (side) bench({ ...side, tuned: true }, "warm-up", ["drain", "--per-txn", "100", "--rows", given.warm]);
  for (const name of names) {
    const results = Object.fromEntries(Object.keys(sides).map((label) => [label, []]));
    for (let i = 0; i < given.runs; i++) {
      for (const [label, side] of Object.entries(sides)) {
        const result = bench(side, label, WORKLOADS[name]);
        report({ workload: name, ...result });
        results[label].push(result);
      }
    }
    report({ workload: name, acknowledge: given.acknowledge, summary: summaryOf(results), load1: load() });
  }
});

/** Starts Postgres and, unless `--original no`, the original, on ports of their own. Returns the original. */
async function startPeers() {
  const [kafkaPort, connectPort, postgresPort] = [await freePort(), await freePort(), await freePort()];
  atEnd(() => rmSync(`/var/tmp/kafka-peers-postgres-${postgresPort}`, { recursive: true, force: true }));
  const home = peersHome(
    {
      PEER_KAFKA_PORT: String(kafkaPort),
      PEER_CONNECT_PORT: String(connectPort),
      PEER_PG_PORT: String(postgresPort),
    },
    ["stop"],
  );
  peers = home.peers;
  home.start("postgres");
  if (given.original !== "yes") return undefined;
  for (const server of ["kafka", "connect"]) home.start(server);
  return {
    url: `http://127.0.0.1:${connectPort}`,
    bootstrap: `127.0.0.1:${kafkaPort}`,
    workerPid: home.pid("connect"),
    brokerPid: home.pid("kafka"),
  };
}

/** @param dist the build; undefined: this one. */
async function startOurs(dist) {
  const folder = temporaryFolder();
  const config = workerFile(folder, "127.0.0.1:0");
  const broker = join(folder, "broker.properties");
  const flushMessages = given.acknowledge === "disk" ? "1" : "9223372036854775807";
  writeFileSync(broker, `log.flush.interval.messages=${flushMessages}\n`);
  const up = startMillrace(
    [
      ...["up", "--data", folder, "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0"],
      ...["--config", config, "--broker-config", broker],
    ],
    { MILLRACE_LOG_LEVEL: "warn" },
    dist,
  );
  const [, bootstrap] = await up.line(/^Kafka broker: (\S+)/);
  const [, url] = await up.line(/^REST interface: (\S+?)\/?$/);
  return { url, bootstrap, workerPid: up.pid };
}

function bench({ url, bootstrap, workerPid, brokerPid, tuned }, label, workload) {
  const args = ["--label", label, "--connect", url, "--bootstrap", bootstrap, "--worker-pid", workerPid];
  if (brokerPid) args.push("--broker-pid", brokerPid);
  if (tuned) args.push("--tuned");
  const lines = peers(["bench", ...workload, ...args].map(String))
    .trim()
    .split("\n");
  return JSON.parse(lines.at(-1));
}

/** Medians, and their ratios to the original's. */
function summaryOf(results) {
  const middle = (list, field) => {
    const values = list.map((result) => result[field]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : median(values);
  };
  const of = (list) => ({
    rate: list[0].p50_ms === undefined ? middle(list, "rate") : undefined,
    ratio_to_limit: middle(list, "ratio"),
    cpu_s_per_M: sum(middle(list, "cpu_worker_s_per_M"), middle(list, "cpu_broker_s_per_M")),
    peak_rss_mib: middle(list, "peak_rss_mib"),
    p50_ms: middle(list, "p50_ms"),
    p99_ms: middle(list, "p99_ms"),
    faulty_runs: list.filter(
      ({ missing, duplicate, disordered }) => (missing || 0) + (duplicate || 0) + (disordered || 0) > 0,
    ).length,
  });
  const summary = Object.fromEntries(Object.entries(results).map(([label, list]) => [label, of(list)]));
  const base = summary["original, tuned"];
  for (const side of base ? Object.values(summary) : []) {
    for (const field of ["rate", "cpu_s_per_M", "peak_rss_mib", "p99_ms"]) {
      if (side !== base && base[field] && side[field] !== undefined)
        side[`${field}_to_original`] = Number((side[field] / base[field]).toFixed(2));
    }
  }
  return summary;
}

function sum(one, other) {
  return one === undefined ? undefined : Number((one + (other ?? 0)).toFixed(1));
}
