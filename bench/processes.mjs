// The processes of a measurement, and their figures in /proc. Linux only.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { atEnd } from "./measurement.mjs";

export const ROOT = resolve(import.meta.dirname, "..");
const TICKS_PER_SECOND = 100;

/** `millrace ARGS…` of a build: `line(pattern)` awaits a printed line, `stop()` ends it. */
export function startMillrace(args, env = {}, dist = join(ROOT, "dist")) {
  const main = join(dist, "src", "main.js");
  if (!existsSync(main)) throw new Error(`${main} is missing: npm ci builds it`);
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", ...env },
  });
  const lines = [];
  const waiters = new Set();
  const ended = new Promise((done) => child.once("close", (status, signal) => done(signal ?? `status ${status}`)));
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (text) => {
      if (lines.push(text) > 500) lines.splice(0, 200);
      for (const waiter of waiters) if (waiter(text)) waiters.delete(waiter);
    });
  }
  const line = (pattern) =>
    new Promise((found, failed) => {
      const look = (text) => {
        const match = pattern.exec(text);
        if (match) found(match);
        return match !== null;
      };
      if (!lines.some(look)) waiters.add(look);
      ended.then((how) =>
        failed(new Error(`millrace ${args.join(" ")} ended with ${how}:\n${lines.slice(-20).join("\n")}`)),
      );
    });
  const stop = async () => {
    child.kill("SIGTERM");
    return ended;
  };
  atEnd(stop);
  return { pid: child.pid, line, stop, lines };
}

/** Writes a worker's properties file for measurements. */
export function workerFile(folder, bootstrap, extra = {}) {
  const props = {
    "bootstrap.servers": bootstrap,
    "group.id": "bench",
    "config.storage.topic": "connect-configs",
    "offset.storage.topic": "connect-offsets",
    "status.storage.topic": "connect-status",
    "config.storage.replication.factor": "1",
    "offset.storage.replication.factor": "1",
    "status.storage.replication.factor": "1",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "connector.client.config.override.policy": "All",
    listeners: "http://127.0.0.1:0",
    ...extra,
  };
  const file = join(folder, "worker.properties");
  writeFileSync(
    file,
    Object.entries(props)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  return file;
}

/** CPU seconds of a process, its threads included. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop().split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident MiB, current (VmRSS) or peak (VmHWM). */
export function residentMib(pid, field = "VmRSS") {
  const found = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(Number(found[1]) / 1024);
}

export async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** A free port whose successor is free, too: Kafka's controller listens there. */
export async function pairOfFreePorts() {
  for (;;) {
    const port = await freePort();
    const server = createServer();
    const isFree = await new Promise((done) => {
      server.once("error", () => done(false));
      server.listen(port + 1, "127.0.0.1", () => server.close(() => done(true)));
    });
    if (isFree) return port;
  }
}

/** Runs a program to its end and returns its output. */
export function run(program, args, env = {}) {
  return execFileSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "pipe"],
  });
}
