import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import type { Clock } from "../../api/clock.js";
import type { Logger } from "../../api/logger.js";
import { type OrphanWatch, watchForOrphan } from "./orphan-watch.js";
import { type PostgresBinaries, preparePostgresBinaries } from "./postgres-binaries.js";
import { initializeCluster, POSTGRES_USER } from "./postgres-cluster.js";
import { freePort } from "./postgres-port.js";
import { canEnter, enterableTemporaryFolder, giveTo, type RunAs, runAsForPostgres } from "./run-as.js";

/** The options of a Postgres. */
export interface PostgresOptions {
  /**
   * The folder that keeps the data from one start to the next. Without it, or if Postgres's user cannot enter it (root
   * started us in a folder of its own), the data goes to a temporary folder that is removed at the end.
   */
  readonly dataDir?: string;
  /** Port to listen on, on 127.0.0.1; 0 picks a free one and keeps it over restarts. */
  readonly port: number;
  /** Of the role `postgres`. Default `postgres`. */
  readonly password?: string;
  /** Server settings beside the defaults (`wal_level=logical` and so on), as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Gets the server's own log lines at level debug. */
  readonly logger: Logger;
}

/**
 * Never `synchronous_commit=off`: the walsender then waits for the WAL writer, up to 200 ms per commit. `fsync=off`
 * loses data only if the machine goes down, not if Postgres is killed.
 */
const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  wal_level: "logical",
  fsync: "off",
  max_replication_slots: "16",
  max_wal_senders: "16",
  max_connections: "50",
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  logging_collector: "off",
  log_destination: "stderr",
  lc_messages: "C",
  timezone: "UTC",
};

const HOST = "127.0.0.1";
/** A loaded machine may take seconds; a start that recovers a long WAL too. */
const READY_WITHIN_MS = 60_000;
/** A fast shutdown waits for replication clients to catch up. A stuck one never does. */
const FAST_SHUTDOWN_MS = 5_000;

/** Log lines of a start whose port, or the shared memory of a server just killed, is still in use. */
const STILL_IN_USE = /Address already in use|could not create any TCP\/IP sockets|pre-existing shared memory block/;

/**
 * Starts a real Postgres from the npm package of this platform and returns once it accepts connections.
 *
 * @throws Error naming the npm package to install where it is missing, or quoting the server's last log lines.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const runAs = runAsForPostgres();
  let scratch: string | undefined;
  const makeScratch = () => {
    if (scratch) return scratch;
    scratch = mkdtempSync(join(enterableTemporaryFolder(runAs), "millrace-postgres-"));
    if (runAs) giveTo(scratch, runAs);
    return scratch;
  };
  try {
    const binaries = preparePostgresBinaries(runAs, makeScratch);
    const dataDir = usableDataDir(options, runAs) ?? join(makeScratch(), "data");
    const password = options.password ?? "postgres";
    await initializeCluster({ binaries, runAs, dataDir, password });
    const server = new PostgresServer({ options, binaries, runAs, dataDir, password, scratch });
    await server.start();
    return server;
  } catch (error) {
    if (scratch) rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

function usableDataDir({ dataDir, logger }: PostgresOptions, runAs: RunAs | undefined): string | undefined {
  if (!dataDir) return undefined;
  let existing = resolve(dataDir);
  while (!existsSync(existing)) existing = dirname(existing);
  if (canEnter(existing, runAs)) return resolve(dataDir);
  if (existsSync(join(dataDir, "PG_VERSION"))) {
    throw new Error(`The Postgres data in ${dataDir} cannot be entered by uid ${runAs?.uid}, which Postgres runs as`);
  }
  logger.debug("Postgres data goes to a temporary folder: the one asked for is closed to its user", { dataDir });
  return undefined;
}

interface Prepared {
  readonly options: PostgresOptions;
  readonly binaries: PostgresBinaries;
  readonly runAs: RunAs | undefined;
  readonly dataDir: string;
  readonly password: string;
  /** Removed by `stop`. */
  readonly scratch: string | undefined;
}

/** One postmaster process at a time. */
interface Running {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly watch: OrphanWatch;
  readonly exited: Promise<void>;
  hasExited: boolean;
  /** The last lines it logged, newest last. */
  readonly said: string[];
}

/** A running Postgres. Its process ends with this one, however this one ends. */
export class PostgresServer {
  readonly host = HOST;
  readonly user = POSTGRES_USER;
  readonly database = "postgres";
  readonly #prepared: Prepared;
  #port: number;
  #running: Running | undefined;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.#port = prepared.options.port;
  }

  get port(): number {
    return this.#port;
  }

  get password(): string {
    return this.#prepared.password;
  }

  get dataDir(): string {
    return this.#prepared.dataDir;
  }

  /** `postgresql://…` of the superuser and the database `postgres`. */
  get connectionString(): string {
    return `postgresql://${this.user}:${encodeURIComponent(this.password)}@${HOST}:${this.#port}/${this.database}`;
  }

  /** Process id of the postmaster, while it runs. */
  get postmasterPid(): number | undefined {
    return this.#running?.hasExited ? undefined : this.#running?.pid;
  }

  /** Starts the server after `kill9`, on the port it had, and returns once it accepts connections. */
  async start(): Promise<void> {
    const { clock } = this.#prepared.options;
    const deadlineMs = clock.monotonicMs() + READY_WITHIN_MS;
    for (let attempt = 0; ; attempt++) {
      const port = this.#port || (await freePort(HOST, attempt));
      const running = this.#spawn(port);
      this.#running = running;
      let ready = false;
      try {
        ready = await this.#isReady(running, port, deadlineMs);
      } finally {
        if (!ready) await this.#end(running, "SIGQUIT");
      }
      if (ready) {
        this.#port = port;
        return;
      }
      const said = running.said.join("\n");
      if (!STILL_IN_USE.test(said) || clock.monotonicMs() > deadlineMs) {
        throw new Error(`Postgres did not start on ${HOST}:${port}; its log ends with:\n${said}`);
      }
      await clock.delay(100);
    }
  }

  /** Stops the server as its administrator would (fast shutdown) and starts it again on the same port. */
  async restart(): Promise<void> {
    if (this.#running) await this.#end(this.#running, "SIGINT");
    await this.start();
  }

  /** Kills the postmaster as a crash would; returns when it is gone. `start` or `restart` brings the server back. */
  async kill9(): Promise<void> {
    if (this.#running) await this.#end(this.#running, "SIGKILL");
  }

  /** Stops the server for good and removes temporary folders. */
  async stop(): Promise<void> {
    if (this.#running) await this.#end(this.#running, "SIGINT");
    this.#running = undefined;
    const { scratch } = this.#prepared;
    if (scratch) rmSync(scratch, { recursive: true, force: true, maxRetries: 10 });
  }

  #spawn(port: number): Running {
    const { binaries, runAs, dataDir, options, scratch } = this.#prepared;
    const settings = Object.entries({ ...DEFAULT_SETTINGS, ...options.settings, port: String(port) });
    const child = spawn(
      binaries.postgres,
      ["-D", dataDir, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      {
        ...runAs,
        cwd: "/",
        env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C", TZ: "UTC" },
        stdio: ["ignore", "pipe", "pipe"],
        // Out of the terminal's process group: Ctrl-C is for us, and we stop the server when its clients are done.
        detached: true,
      },
    );
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        if (said.length > 30) said.shift();
        options.logger.debug(line);
      });
    }
    const pid = child.pid ?? 0;
    const exited = new Promise<void>((resolve) => {
      const ended = () => {
        running.hasExited = true;
        running.watch.cancel();
        resolve();
      };
      child.once("exit", ended);
      child.once("error", (cause) => {
        said.push(String(cause));
        ended();
      });
    });
    const watch: OrphanWatch = pid ? watchForOrphan(pid, runAs, scratch) : { cancel() {} };
    const running: Running = { process: child, pid, watch, exited, hasExited: false, said };
    return running;
  }

  /** Tries to connect until it works (true), or the server has ended or time is up (false). */
  async #isReady(running: Running, port: number, deadlineMs: number): Promise<boolean> {
    const { clock } = this.#prepared.options;
    while (!running.hasExited && clock.monotonicMs() < deadlineMs) {
      if (await this.#answers(running, port)) return true;
      await Promise.race([running.exited, clock.delay(20)]);
    }
    return false;
  }

  /** True if the server on `port` is the one just started, not another that took the port before it. */
  async #answers(running: Running, port: number): Promise<boolean> {
    const client = new pg.Client({
      host: HOST,
      port,
      user: this.user,
      password: this.password,
      database: this.database,
    });
    client.on("error", (error) => running.said.push(`(connection lost: ${error.message})`));
    try {
      await client.connect();
      const answer = await client.query("select current_setting('data_directory') as folder");
      return answer.rows[0]?.folder === this.dataDir;
    } catch (error) {
      // 28: the data folder has another password; waiting does not help.
      if (String((error as { code?: unknown }).code).startsWith("28")) throw error;
      // Expected while it starts; if it never does, this is the last thing known.
      running.said.push(`(not ready: ${error instanceof Error ? error.message : String(error)})`);
      if (running.said.length > 30) running.said.splice(0, running.said.length - 30);
      return false;
    } finally {
      await client.end();
    }
  }

  async #end(running: Running, signal: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void> {
    const { clock } = this.#prepared.options;
    for (const next of [signal, "SIGQUIT", "SIGKILL"] as const) {
      if (running.hasExited) break;
      running.process.kill(next);
      const giveUp = new AbortController();
      await Promise.race([running.exited, clock.delay(FAST_SHUTDOWN_MS, giveUp.signal)]);
      giveUp.abort();
    }
    await running.exited;
  }
}
