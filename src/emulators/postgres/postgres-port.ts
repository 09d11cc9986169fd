import { createServer } from "node:net";

/** Above the well-known ports, and below the outgoing ports of Linux (from 32768) and macOS (from 49152). */
const FIRST = 20_000;
const COUNT = 12_000;

/**
 * A port that is free now. Postgres cannot pick a free port itself, so the caller tries another `attempt` if another
 * process took this one.
 *
 * The kernel's own choice (port 0) will not do: it comes from the range of outgoing ports. While a server restarts on
 * such a port, a client that keeps trying to reach it may get that very port as its own, and connect to itself.
 */
export async function freePort(host: string, attempt: number): Promise<number> {
  for (let step = 0; step < 1000; step++) {
    // Spread by process id, so that processes that start together rarely look at the same ports.
    const port = FIRST + ((process.pid * 37 + attempt * 101 + step) % COUNT);
    if (await isFree(host, port)) return port;
  }
  throw new Error(`No free port on ${host} between ${FIRST} and ${FIRST + COUNT}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
