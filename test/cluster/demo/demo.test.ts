import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { pathWithCurl } from "../../support/curl-path.js";

const main = resolve("dist/src/main.js");
const PATH = pathWithCurl();
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
});

interface Demo {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly exited: Promise<unknown[]>;
  /** Resolves with the first line that matches, past or to come; rejects when the demo ends without one. */
  line(pattern: RegExp): Promise<string>;
}

/** Runs the demo in its own process group, as a terminal would. */
function startDemo(...args: string[]): Demo {
  const child = spawn(process.execPath, [main, "demo", ...args], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  const exited = once(child, "exit");
  const line = (pattern: RegExp) =>
    new Promise<string>((found, reject) => {
      const look = () => {
        const match = lines.find((one) => pattern.test(one));
        if (match !== undefined) found(match);
      };
      waiting.add(look);
      look();
      exited.then(
        () => reject(new Error(`The demo ended without ${pattern}; it printed:\n${lines.join("\n")}`)),
        reject,
      );
    });
  return { child, lines, exited, line };
}

/** Process ids below `root`, itself included. */
function descendants(root: number): number[] {
  const table = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" });
  const pairs = table
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/).map(Number));
  const found = [root];
  for (const parent of found) for (const [pid = 0, ppid] of pairs) if (ppid === parent) found.push(pid);
  return found;
}

/** Those that still run, except zombies that wait for their parent. */
function alive(pids: readonly number[]): number[] {
  const table = execFileSync("ps", ["-eo", "pid=,stat="], { encoding: "utf8" });
  const live = new Set(
    table
      .trim()
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter(([, state]) => !state?.startsWith("Z"))
      .map(([pid]) => Number(pid)),
  );
  return pids.filter((pid) => live.has(pid));
}

test("the demo passes its check, stays up with --keep, and Ctrl-C leaves no process behind", async () => {
  const demo = startDemo("--keep");
  await demo.line(/Nothing is missing, duplicated or out of order/);
  await demo.line(/data folder/);
  expect(demo.lines.find((line) => /^all\s/.test(line))).toMatch(/^all\s+[\d,]+\s+[\d,]+\s+[\d,]+\s+0\s+0\s+0$/);
  const env = { ...process.env, PATH };
  const curls = demo.lines.filter((line) => line.trim().startsWith("curl "));
  expect(curls).toHaveLength(3);
  const answers = curls.map((line) => execFileSync("sh", ["-c", `${line} --fail`], { encoding: "utf8", env }));
  expect(Object.keys(JSON.parse(answers[0] ?? "")).sort()).toEqual(["shop-sink", "shop-source"]);
  expect(JSON.parse(answers[2] ?? "")).toMatchObject({ name: "shop-source" });

  const pids = descendants(demo.child.pid ?? 0);
  expect(pids.length).toBeGreaterThan(5); // the demo, broker and worker, Postgres and its processes
  process.kill(-(demo.child.pid ?? 0), "SIGINT");
  expect(await demo.exited).toEqual([0, null]);
  expect(alive(pids)).toEqual([]);
}, 300_000);

test("Ctrl-C in the middle ends it at once, with status 130", async () => {
  const demo = startDemo();
  await demo.line(/POST http/);
  const pids = descendants(demo.child.pid ?? 0);
  process.kill(-(demo.child.pid ?? 0), "SIGINT");
  expect(await demo.exited).toEqual([130, null]);
  expect(demo.lines).toContain("Interrupted.");
  expect(alive(pids)).toEqual([]);
});

test.runIf(process.getuid?.() === 0 && process.platform === "linux")(
  "broker, worker and Postgres end when the demo is killed",
  async () => {
    const demo = startDemo();
    await demo.line(/POST http/);
    const pids = descendants(demo.child.pid ?? 0);
    demo.child.kill("SIGKILL");
    await demo.exited;
    await ended(pids);
  },
);

/** Resolves when none of these processes runs any more. They are not our children, so a shell checks. */
async function ended(pids: readonly number[]): Promise<void> {
  const script = 'while ps -o stat= -p "$1" | grep -qv "^Z"; do sleep 0.1; done';
  const shell = spawn("sh", ["-c", script, "sh", pids.join(",")], { stdio: "ignore" });
  await once(shell, "exit");
}
