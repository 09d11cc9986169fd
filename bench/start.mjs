// Start → REST ready: from the start of the process to the first answer of GET /, for `millrace up` on a fresh folder
// and `millrace worker` on a running broker, compared in the same run with a bare Node HTTP server, the lower limit.
//   node bench/start.mjs [--runs 7] [--before DIST]
// `--before` measures another build of Millrace in the same run.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { load, measured, median, options, report, temporaryFolder } from "./measurement.mjs";
import { cpuSeconds, residentMib, startMillrace, workerFile } from "./processes.mjs";
import { answers } from "./rest.mjs";

const { runs, before } = options({ runs: 7, before: "" });
const LIMIT_MS = 1000;

async function timed(start) {
  const began = performance.now();
  const { url, pid, stop } = await start();
  await answers(url);
  const ms = performance.now() - began;
  const figures = { ms, cpu: cpuSeconds(pid), rss: residentMib(pid) };
  await stop();
  return figures;
}

async function millrace(args, dist) {
  const { pid, line, stop } = startMillrace(args, {}, dist);
  const [, url] = await line(/^REST interface: (\S+)/);
  return { url, pid, stop };
}

function ofBuild(suffix, file, dist) {
  const up = () => ["up", "--data", temporaryFolder(), "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0"];
  return {
    [`millrace worker${suffix}`]: () => millrace(["worker", file], dist),
    [`millrace up${suffix}`]: () => millrace(up(), dist),
  };
}

async function bareNode() {
  const script =
    'require("http").createServer((q,r)=>r.end("{}")).listen(0,"127.0.0.1",function(){console.log(this.address().port)})';
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise((found) => child.stdout.once("data", (data) => found(String(data).trim())));
  const stop = () => new Promise((ended) => child.once("close", ended).kill());
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop };
}

await measured(async () => {
  const broker = startMillrace(["broker", "--data", temporaryFolder(), "--listen", "127.0.0.1:0"]);
  const [, bootstrap] = await broker.line(/^Kafka broker: (\S+)/);
  const file = workerFile(temporaryFolder(), bootstrap);
  const kinds = {
    "bare node": bareNode,
    ...ofBuild("", file),
    ...(before !== "" && ofBuild(", before", file, resolve(before))),
  };
  const results = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]));
  for (let i = 0; i < runs; i++)
    for (const [name, start] of Object.entries(kinds)) results[name].push(await timed(start));
  for (const [label, list] of Object.entries(results)) {
    const times = list.map(({ ms }) => Math.round(ms));
    report({
      what: "start",
      label,
      median_ms: median(times),
      min_ms: Math.min(...times),
      max_ms: Math.max(...times),
      of_limit_1s: Number((median(times) / LIMIT_MS).toFixed(2)),
      cpu_s: median(list.map(({ cpu }) => cpu)),
      rss_mib: median(list.map(({ rss }) => rss)),
      load1: load(),
    });
  }
});
