import pg from "pg";
import { SystemClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { type PostgresServer, startPostgres } from "../../src/emulators/postgres/postgres-server.js";

/** A Postgres for one test file: start it in `beforeAll`, stop it in `afterAll`. Its data is temporary. */
export function startTestPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  return startPostgres({ port: 0, settings, clock: new SystemClock(), logger: silentLogger });
}

/** Runs `work` with a superuser's connection, and closes it afterwards. */
export async function withClient<T>(
  server: { readonly connectionString: string },
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: server.connectionString });
  // Without a listener, a restart of the server would end the test process.
  const lost: Error[] = [];
  client.on("error", (error) => lost.push(error));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Runs statements in order, each in its own transaction unless it begins one. */
export async function execute(server: { readonly connectionString: string }, ...statements: string[]): Promise<void> {
  await withClient(server, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}
