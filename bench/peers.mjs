// The originals beside which ours is measured, by the `peers` of MILLRACE_PEERS.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./measurement.mjs";
import { ROOT, run } from "./processes.mjs";

const PEERS = process.env.MILLRACE_PEERS ?? join(ROOT, "..", "shared", "peers", "peers");

/**
 * A home of its own, with the jars of all others. `peers(args)` runs `peers ARGS…` there and returns its output;
 * `pid(name)` is that of a server it has started, `folder` the home. Deleted at the end, after `stop` (arguments of `peers`).
 * @throws Error when there is no `peers`.
 */
export function peersHome(settings, stop) {
  if (!existsSync(PEERS)) throw new Error(`${PEERS} is missing: name it in MILLRACE_PEERS`);
  const shared = process.env.PEERS_HOME ?? join(homedir(), ".cache", "kafka-peers");
  run(PEERS, ["install"], { PEERS_HOME: shared });
  const home = mkdtempSync(join(tmpdir(), "millrace-bench-peers-"));
  for (const part of ["libs", "plugins", "bench"]) {
    if (existsSync(join(shared, part))) symlinkSync(join(shared, part), join(home, part));
  }
  mkdirSync(join(home, "run"));
  const peers = (args) => run(PEERS, args, { PEERS_HOME: home, ...settings });
  atEnd(() => {
    peers(stop);
    rmSync(home, { recursive: true, force: true });
  });
  return {
    folder: home,
    peers,
    /** Servers keep the output of `peers` open: without it this returns once the server answers. */
    start: (server) =>
      run("/bin/sh", ["-c", `exec "${PEERS}" ${server} start >/dev/null`], { PEERS_HOME: home, ...settings }),
    pid: (name) => Number(readFileSync(join(home, "run", `${name}.pid`), "utf8")),
  };
}
