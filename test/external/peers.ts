import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");
/** A worker of Java's on a busy machine takes its time. */
const START_TIMEOUT_MS = 240_000;

/** Where the starter of the originals is, and why the external ring cannot run where it cannot. */
export interface PeersCheck {
  readonly script: string;
  readonly missing: string | undefined;
}

/** MILLRACE_PEERS names the starter; without it, the folder beside the repository is looked at. */
export function findPeers(): PeersCheck {
  const script = process.env["MILLRACE_PEERS"] ?? join(ROOT, "..", "shared", "peers", "peers");
  const absent = existsSync(script) ? [] : [script];
  for (const tool of ["java", "mvn", "python3"]) if (!isOnPath(tool)) absent.push(tool);
  const missing = absent.length > 0 ? `${absent.join(", ")} not found` : undefined;
  if (missing) console.warn(`\n*** The external ring is SKIPPED: ${missing} ***\n`);
  return { script, missing };
}

export function isOnPath(tool: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, tool)));
}

/** Installs the originals' jars and plugins where they are missing, and returns the folder of `libs` and `plugins`. */
export async function installPeers(script: string): Promise<string> {
  const shared = sharedHome();
  await run(script, ["install"], { timeout: 900_000, env: { ...process.env, PEERS_HOME: shared } });
  return shared;
}

/** A folder with these jars, as Maven names them, beside the originals. */
export async function installJars(name: string, artifacts: readonly string[]): Promise<string> {
  const folder = join(sharedHome(), name);
  mkdirSync(folder, { recursive: true });
  const isThere = (artifact: string) => readdirSync(folder).includes(`${artifact.split(":").slice(1).join("-")}.jar`);
  for (const artifact of artifacts.filter((each) => !isThere(each)))
    await run("mvn", ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  return folder;
}

function sharedHome(): string {
  return process.env["PEERS_HOME"] ?? join(homedir(), ".cache", "kafka-peers");
}

/** The version that the starter installs. */
const MOTO = "moto[server]==5.1.0";

/** The originals on ports of their own, with data of their own; the jars are shared by all. */
export class Peers {
  readonly bootstrap: string;
  readonly connectUrl: string;
  readonly #script: string;
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(script: string, home: string, kafkaPort: number, connectPort: number, env: NodeJS.ProcessEnv) {
    this.bootstrap = `127.0.0.1:${kafkaPort}`;
    this.connectUrl = `http://127.0.0.1:${connectPort}`;
    this.#script = script;
    this.#home = home;
    this.#env = {
      ...process.env,
      CONNECT_HEAP: "-Xmx768m",
      KAFKA_HEAP: "-Xmx512m",
      ...env,
      PEERS_HOME: home,
      PEER_KAFKA_PORT: String(kafkaPort),
      PEER_CONNECT_PORT: String(connectPort),
      // Its data folder is named after it, and `stop` stops the one of that name: never one that somebody uses.
      PEER_PG_PORT: String(connectPort),
    };
  }

  /**
   * @param env settings of the starter, such as PEER_BOOTSTRAP for a worker on another broker.
   * @param artifacts more jars for the class path, as Maven names them.
   */
  static async prepare(script: string, env: NodeJS.ProcessEnv = {}, artifacts: readonly string[] = []): Promise<Peers> {
    const shared = await installPeers(script);
    const home = mkdtempSync(join(tmpdir(), "millrace-peers-"));
    symlinkSync(join(shared, "plugins"), join(home, "plugins"));
    const libs = join(home, "libs");
    mkdirSync(libs);
    for (const jar of readdirSync(join(shared, "libs"))) symlinkSync(join(shared, "libs", jar), join(libs, jar));
    for (const artifact of artifacts)
      await run("mvn", ["-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${libs}`]);
    mkdirSync(join(home, "run"));
    const kafkaPort = await pairOfFreePorts();
    return new Peers(script, home, kafkaPort, await freePort(), env);
  }

  /** The environment in which the starter finds these peers. */
  get environment(): NodeJS.ProcessEnv {
    return this.#env;
  }

  /** Starts moto, an S3 server, and returns its URL. It takes any access key. */
  async startMoto(): Promise<string> {
    const shared = join(sharedHome(), "moto");
    if (!existsSync(join(shared, "bin", "moto_server"))) {
      await run("python3", ["-m", "venv", shared]);
      await run(join(shared, "bin", "pip"), ["-q", "install", MOTO], { timeout: START_TIMEOUT_MS });
    }
    symlinkSync(shared, join(this.#home, "moto"));
    const port = String(await freePort());
    this.#env["PEER_S3_PORT"] = port;
    await this.#peers("moto", "start");
    return `http://127.0.0.1:${port}`;
  }

  /** A Python with boto3, once moto was started. */
  get python(): string {
    return join(this.#home, "moto", "bin", "python");
  }

  startKafka(): Promise<string> {
    return this.#peers("kafka", "start");
  }

  startConnect(): Promise<string> {
    return this.#peers("connect", "start");
  }

  stopConnect(): Promise<string> {
    return this.#peers("connect", "stop");
  }

  /** kill -9 of the worker: its tasks neither commit nor leave. */
  killConnect(): void {
    const file = join(this.#home, "run", "connect.pid");
    process.kill(Number(readFileSync(file, "utf8")), "SIGKILL");
    rmSync(file);
  }

  /** Runs a main class of the stock tools and returns what it prints. `input` goes to its standard input. */
  async tool(mainClass: string, args: readonly string[], input = ""): Promise<string> {
    const running = run(this.#script, ["tool", mainClass, ...args], {
      env: this.#env,
      timeout: START_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  /** The end of a peer's log, for a failure's message. */
  log(name: "kafka" | "connect"): string {
    const path = join(this.#home, "run", `${name}.log`);
    return existsSync(path) ? readFileSync(path, "utf8").slice(-4000) : "";
  }

  /** Stops what was started and removes its data. */
  async stop(): Promise<void> {
    await this.#peers("stop");
    rmSync(this.#home, { recursive: true, force: true });
  }

  async #peers(...args: string[]): Promise<string> {
    const { stdout } = await run(this.#script, args, { env: this.#env, timeout: START_TIMEOUT_MS });
    return stdout;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("No free port on 127.0.0.1");
  return address.port;
}

/** Kafka's controller listens on the port after the broker's. */
async function pairOfFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const next = createServer();
    const free = await new Promise<boolean>((tried) => {
      next.once("error", () => tried(false));
      next.listen(port + 1, "127.0.0.1", () => tried(true));
    });
    await new Promise((closed) => next.close(closed));
    if (free) return port;
  }
}
