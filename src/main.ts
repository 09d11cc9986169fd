#!/usr/bin/env node
import { packageVersion } from "./app/package-version.js";
import type { CommandProcess } from "./app/stack-commands.js";
import { deferred } from "./base/deferred.js";
import { stackOf } from "./base/trace/error-trace.js";
import { EXIT, errorLine } from "./cli/exit-code.js";
import { runProgram } from "./cli/program.js";

const stop = deferred<string>();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    // A second signal ends the process at once.
    if (stop.settled) process.exit(EXIT.failed);
    stop.resolve(signal);
  });
}

const host: CommandProcess = {
  env: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  report: (line) => void process.stderr.write(`${line}\n`),
  stopRequested: stop.promise,
};

// An unhandled rejection of a plugin is that plugin's fault and must not stop all others.
process.on("unhandledRejection", (reason) => {
  host.report(`${errorLine(reason)} (unhandled rejection)\n${stackText(reason)}`);
});
// The state is now unknown, and every part recovers from a crash.
process.on("uncaughtException", (error) => {
  host.report(`${errorLine(error)} (uncaught exception)\n${stackText(error)}`);
  process.exit(EXIT.failed);
});

const services = () => import("./app/stack-commands.js");

try {
  const code = await runProgram(process.argv.slice(2), packageVersion(), {
    up: async (options) => (await services()).runUp(options, host),
    worker: async (file) => (await services()).runWorker(file, host),
    registry: async (file) => (await services()).runRegistry(file, host),
    standalone: async (file, connectorFiles) => (await services()).runStandalone(file, connectorFiles, host),
    broker: async (options) => (await services()).runBroker(options, host),
    export: async (options) => (await services()).runExport(options, host),
    demo: async (options) => (await services()).runDemoCommand(options, host),
  });
  process.exit(code);
} catch (error) {
  host.report(errorLine(error));
  process.exit(EXIT.failed);
}

function stackText(error: unknown): string {
  return error instanceof Error ? stackOf(error) : "";
}
