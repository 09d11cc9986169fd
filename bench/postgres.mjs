// A Postgres for measurements: that of PGHOST, PGPORT and PGUSER (such as `peers postgres start`), or else this
// package's embedded one. Its client programs are Debian's (postgresql-client).
import { existsSync, readdirSync } from "node:fs";
import pg from "pg";
import { SystemClock } from "../dist/src/base/clock.js";
import { silentLogger } from "../dist/src/base/logger.js";
import { startPostgres } from "../dist/src/emulators/postgres/postgres-server.js";
import { atEnd } from "./measurement.mjs";

const DATABASE = "millrace_bench";

/** Its address, and `query(sql)` in a fresh database. */
export async function benchPostgres() {
  const server = process.env.PGPORT ? given() : await embedded();
  const admin = await connect(server, "postgres");
  // A killed run leaves a slot behind, which would retain the WAL of all later runs.
  await admin.query(
    "select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1 and not active",
    [DATABASE],
  );
  await admin.query(`drop database if exists ${DATABASE} with (force)`);
  await admin.query(`create database ${DATABASE}`);
  await admin.end();
  const client = await connect(server, DATABASE);
  atEnd(() => client.end());
  return { ...server, database: DATABASE, query: async (sql, values) => (await client.query(sql, values)).rows };
}

function given() {
  const { PGHOST = "127.0.0.1", PGPORT, PGUSER = "postgres", PGPASSWORD = "postgres" } = process.env;
  return { host: PGHOST, port: Number(PGPORT), user: PGUSER, password: PGPASSWORD };
}

async function embedded() {
  const settings = { max_wal_size: "4GB", shared_buffers: "256MB", fsync: "on" };
  const server = await startPostgres({ port: 0, settings, clock: new SystemClock(), logger: silentLogger });
  atEnd(() => server.stop());
  return { host: "127.0.0.1", port: server.port, user: server.user, password: server.password };
}

async function connect({ host, port, user, password }, database) {
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  return client;
}

/** The environment of Postgres's own programs. */
export function clientEnvironment({ host, port, user, password, database }) {
  return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database };
}

/** Path of one of Debian's Postgres programs. @throws Error naming the package to install. */
export function program(name) {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").sort((a, b) => b - a) : [];
  const found = versions.map((version) => `/usr/lib/postgresql/${version}/bin/${name}`).find(existsSync);
  if (!found) throw new Error(`${name} is needed: apt-get install postgresql-client`);
  return found;
}
