import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const DIST = new URL("../../dist/src/", import.meta.url);

/** Runs in the child: only the compiled broker, until it is killed. */
const PROGRAM = `
const [dist, dataDir, port, properties] = process.argv.slice(1);
const { startBroker } = await import(new URL("broker/start-broker.js", dist).href);
const { SystemClock } = await import(new URL("base/clock.js", dist).href);
const { SystemRandom } = await import(new URL("base/random.js", dist).href);
const { silentLogger } = await import(new URL("base/logger.js", dist).href);
const { CleaningInThread } = await import(new URL("broker/log/cleaning/cleaning-in-thread.js", dist).href);
const broker = await startBroker({
  dataDir,
  listen: "127.0.0.1:" + port,
  clock: new SystemClock(),
  random: new SystemRandom(),
  logger: silentLogger,
  cleaningWorker: new CleaningInThread(),
  properties: JSON.parse(properties),
});
console.log(broker.port);
process.stdin.resume();
process.stdin.on("end", () => process.exit(1));
`;

/** A broker in its own process. */
export interface BrokerProcess {
  readonly pid: number;
  readonly port: number;
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Node's arguments and working folder for the compiled broker (dist). It prints its port and ends with its stdin. */
export function brokerProgram(dataDir: string, port = 0, properties: Readonly<Record<string, string>> = {}) {
  const args = ["--input-type=module", "--eval", PROGRAM, DIST.href, dataDir, String(port), JSON.stringify(properties)];
  return { args, cwd: fileURLToPath(DIST) };
}

/** Starts the compiled broker (dist) in its own process, which ends with this one. */
export async function startBrokerProcess(
  dataDir: string,
  port = 0,
  properties: Readonly<Record<string, string>> = {},
): Promise<BrokerProcess> {
  const { args, cwd } = brokerProgram(dataDir, port, properties);
  const child = spawn(process.execPath, args, { cwd, stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const firstLine = once(createInterface(child.stdout), "line") as Promise<[string]>;
  const started = await Promise.race([firstLine, exited.then(() => undefined)]);
  if (!started) throw new Error(`The broker process ended with code ${child.exitCode} before it was ready`);
  return {
    pid: child.pid!,
    port: Number(started[0]),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
