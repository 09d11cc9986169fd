// One worker with many connectors and tasks: what its list costs, its memory and CPU when nothing happens, how soon a
// new connector runs, and how soon a change of all of them has settled. With --original yes also for the real Kafka
// Connect, on the same broker, afterwards; with --before DIST another build of Millrace, before.
//   [MILLRACE_PEERS=…/peers] node bench/many-connectors.mjs [--connectors 500] [--tasks 2] [--lists 200] [--idle 20]
//     [--original no] [--before DIST]
import { join, resolve } from "node:path";
import { load, measured, median, options, report, temporaryFolder } from "./measurement.mjs";
import { peersHome } from "./peers.mjs";
import { cpuSeconds, freePort, residentMib, startMillrace, workerFile } from "./processes.mjs";
import { answers, rest } from "./rest.mjs";

const given = options({ connectors: 500, tasks: 2, lists: 200, idle: 20, original: "no", before: "" });
/** Requests at a time. */
const AT_ONCE = 8;
const LIMITS = { list_p99_ms: 200, created_to_running_ms: 300, change_settled_s: 5, rest_ready_ms: 500 };
const STRING = "org.apache.kafka.connect.storage.StringConverter";

await measured(async () => {
  const broker = startMillrace(["broker", "--data", temporaryFolder(), "--listen", "127.0.0.1:0"]);
  const [, bootstrap] = await broker.line(/^Kafka broker: (\S+)/);
  if (given.before !== "") await measure("before", () => startOurs(bootstrap, "before", resolve(given.before)));
  await measure("ours", () => startOurs(bootstrap, "ours"));
  if (given.original === "yes") await measure("original", () => startOriginal(bootstrap));
});

async function measure(label, start) {
  const began = performance.now();
  const { url, pid, stop } = await start();
  await answers(url);
  const readyMs = performance.now() - began;
  const names = Array.from({ length: given.connectors }, (_, at) => `many-${at}`);
  const folder = temporaryFolder();
  const config = (name, version) => ({
    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "tasks.max": String(given.tasks),
    topics: `topic-${name.replace(/\D/g, "")}`,
    file: join(folder, `${name}.${version}`),
    "key.converter": STRING,
    "value.converter": STRING,
  });
  const createdFrom = performance.now();
  await eachOf(names, (name) => conflictFree(url, "POST", "/connectors", { name, config: config(name, 1) }));
  await settled(url, names.length, 1);
  report({ what: "create", label, connectors: names.length, seconds: seconds(createdFrom), load1: load() });

  const lists = [];
  for (let at = 0; at < given.lists; at++) {
    const from = performance.now();
    await rest(url, "GET", "/connectors?expand=status&expand=info");
    lists.push(performance.now() - from);
  }
  lists.sort((a, b) => a - b);
  const p99 = lists[Math.floor(lists.length * 0.99)];
  report({ what: "list", label, p50_ms: round(median(lists)), p99_ms: round(p99), limit_ms: LIMITS.list_p99_ms });

  const cpu = cpuSeconds(pid);
  await new Promise((over) => setTimeout(over, given.idle * 1000));
  const idle = (cpuSeconds(pid) - cpu) / given.idle;
  report({
    what: "idle",
    label,
    cores: Number(idle.toFixed(3)),
    rss_mib: residentMib(pid),
    peak_mib: residentMib(pid, "VmHWM"),
  });

  const running = [];
  for (let at = 0; at < 5; at++) {
    const name = `one-${at}`;
    const from = performance.now();
    await conflictFree(url, "POST", "/connectors", { name, config: { ...config(name, 1), "tasks.max": "1" } });
    await runs(url, name);
    running.push(performance.now() - from);
    await conflictFree(url, "DELETE", `/connectors/${name}`);
  }
  const createdMs = round(median(running));
  report({ what: "created to RUNNING", label, median_ms: createdMs, limit_ms: LIMITS.created_to_running_ms });

  const cpuBefore = cpuSeconds(pid);
  const changedFrom = performance.now();
  await eachOf(names, (name) => conflictFree(url, "PUT", `/connectors/${name}/config`, config(name, 2)));
  await settled(url, names.length, 2);
  report({
    what: "change of all",
    label,
    seconds: seconds(changedFrom),
    limit_s: LIMITS.change_settled_s,
    worker_cpu_ms_per_connector: round(((cpuSeconds(pid) - cpuBefore) / names.length) * 1000),
    load1: load(),
  });
  report({ what: "REST ready", label, ms: round(readyMs), limit_ms: LIMITS.rest_ready_ms });
  await stop();
}

/** Carries out one step for each item, a few at a time. */
async function eachOf(items, step) {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await step(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** A request that is sent again while the group rebalances, as Connect asks its clients to. */
async function conflictFree(url, method, path, body) {
  for (;;) {
    try {
      return await rest(url, method, path, body);
    } catch (error) {
      if (!/answered (409|500).*rebalance/s.test(error.message)) throw error;
    }
  }
}

/** Resolves once every task runs, with the files of this version. */
async function settled(url, connectors, version) {
  for (;;) {
    const all = Object.values(await rest(url, "GET", "/connectors?expand=status&expand=info"));
    const many = all.filter(({ info }) => info.name.startsWith("many-"));
    const isRunning = ({ status, info }) =>
      info.config.file.endsWith(`.${version}`) &&
      status.connector.state === "RUNNING" &&
      status.tasks.length === given.tasks &&
      status.tasks.every(({ state }) => state === "RUNNING");
    if (many.length === connectors && many.every(isRunning)) return;
    await new Promise((next) => setTimeout(next, 100));
  }
}

async function runs(url, name) {
  for (;;) {
    try {
      const { tasks } = await rest(url, "GET", `/connectors/${name}/status`);
      if (tasks.length === 1 && tasks[0].state === "RUNNING") return;
    } catch (error) {
      if (!/answered 404/.test(error.message)) throw error;
    }
    await new Promise((next) => setTimeout(next, 5));
  }
}

/** A worker in a group and topics of its own. */
async function startOurs(bootstrap, label, dist) {
  const own = {
    "group.id": label,
    "config.storage.topic": `${label}-configs`,
    "offset.storage.topic": `${label}-offsets`,
    "status.storage.topic": `${label}-status`,
  };
  const file = workerFile(temporaryFolder(), bootstrap, own);
  const { pid, line, stop } = startMillrace(["worker", file], { MILLRACE_LOG_LEVEL: "warn" }, dist);
  const [, url] = await line(/^REST interface: (\S+)/);
  return { url, pid, stop };
}

/** The real Kafka Connect on the same broker, in a group and topics of its own. */
async function startOriginal(bootstrap) {
  const port = String(await freePort());
  const home = peersHome(
    {
      PEER_CONNECT_PORT: port,
      PEER_PG_PORT: port,
      PEER_BOOTSTRAP: bootstrap,
      PEER_TOPIC_PREFIX: "original",
      PEER_GROUP: "original",
    },
    ["connect", "stop"],
  );
  home.start("connect");
  const stop = async () => home.peers(["connect", "stop"]);
  return { url: `http://127.0.0.1:${port}`, pid: home.pid("connect"), stop };
}

function seconds(from) {
  return Number(((performance.now() - from) / 1000).toFixed(1));
}

function round(ms) {
  return Math.round(ms);
}
