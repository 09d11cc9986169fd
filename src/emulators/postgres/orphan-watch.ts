import { spawn } from "node:child_process";
import type { RunAs } from "./run-as.js";

/** A running watch; see `watchForOrphan`. */
export interface OrphanWatch {
  /** Ends the watch: the process has ended, or is being ended. */
  cancel(): void;
}

/**
 * `read` returns when the pipe's other end is closed, which the kernel does however the parent ends: exit, Ctrl-C, a
 * crash or `kill -9`. Nothing is ever written to the pipe. Exit hooks of the parent would run only for the first of
 * these. `read` is built into the shell: the absence of a command would look like the parent's end.
 */
const SCRIPT = `
read -r nothing
kill -QUIT "$1" 2> /dev/null
tries=0
while kill -0 "$1" 2> /dev/null && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
kill -KILL "$1" 2> /dev/null
[ -z "$2" ] || rm -rf -- "$2"
`;

/**
 * Starts a shell that, when this Node process is gone, ends process `pid` (SIGQUIT, after 5 s SIGKILL) and removes
 * `folder`. It is in a session of its own, so that Ctrl-C in a terminal does not reach it.
 *
 * @param runAs the user of process `pid`, so that the shell may signal it.
 * @param folder a temporary folder to remove afterwards.
 */
export function watchForOrphan(pid: number, runAs: RunAs | undefined, folder?: string): OrphanWatch {
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "sh", String(pid), folder ?? ""], {
    ...runAs,
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.on("error", (cause) => {
    throw new Error("/bin/sh, which ends Postgres when this process is gone, cannot be started", { cause });
  });
  // The watch must not keep alive the very process whose end it waits for.
  shell.unref();
  const pipe = shell.stdin;
  if ("unref" in pipe && typeof pipe.unref === "function") pipe.unref();
  return { cancel: () => void shell.kill("SIGKILL") };
}
