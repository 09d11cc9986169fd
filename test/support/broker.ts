import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../src/base/clock.js";
import { type Logger, silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { Interceptor } from "../../src/broker/interceptor.js";
import type { ScramUser } from "../../src/broker/security/scram-user.js";
import { type RunningBroker, startBroker } from "../../src/broker/start-broker.js";

export interface TestBrokerOptions {
  /** Kafka's broker properties; by default those of the bundled broker, with one listener. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Called before every request is served; may answer, delay, drop or fail it. */
  readonly interceptor?: Interceptor;
  readonly logger?: Logger;
  /** Users of SCRAM to add. */
  readonly scramUsers?: readonly ScramUser[];
}

/** A test's broker in this process, on a free port, with a temporary data folder. */
export interface TestBroker {
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** `host:port`, for `bootstrap.servers`. */
  readonly bootstrap: string;
  /** The port of a listener, where the properties name several. */
  portOf(listener: string): number;
  /** Crashes the broker (or stops it cleanly) and starts it again on the same port and data. */
  restart(how?: "crash" | "clean"): Promise<void>;
  /** Crashes the broker; `restart` starts it again. */
  crash(): Promise<void>;
  /** Stops it and deletes its data. */
  close(): Promise<void>;
}

/** Starts a broker for a test; the test closes it. */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const dataDir = mkdtempSync(join(tmpdir(), "millrace-broker-"));
  const { properties = {}, interceptor, logger = silentLogger, scramUsers = [] } = options;
  const start = (port: number): Promise<RunningBroker> =>
    startBroker({
      dataDir,
      listen: properties["listeners"] === undefined ? `127.0.0.1:${port}` : undefined,
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger,
      properties,
      scramUsers,
      ...(interceptor ? { interceptor } : {}),
    });
  let running = await start(0).catch((error: unknown) => {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  });
  const { host, port } = running;
  const close = async () => {
    await running.close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  return {
    dataDir,
    host,
    port,
    bootstrap: `${host}:${port}`,
    portOf: (listener) => running.ports.get(listener)!,
    async restart(how = "crash") {
      await (how === "crash" ? running.abandon() : running.close());
      running = await start(port);
    },
    crash: () => running.abandon(),
    close,
  };
}
