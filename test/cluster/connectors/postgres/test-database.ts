import pg from "pg";
import { from } from "pg-copy-streams";
import type { Props, SourceMap } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { execute, withClient } from "../../../support/postgres.js";
import { TaskDriver } from "./task-driver.js";

let count = 0;

/** pg passes it on to the server, but its types do not know it. */
const REPLICATION: object = { replication: "database" };

/** A separate database on a shared server, with its own slot name: slots belong to the server, not the database. */
export async function freshDatabase(server: PostgresServer): Promise<TestDatabase> {
  const name = `db_${++count}`;
  await execute(server, `CREATE DATABASE ${name}`);
  return new TestDatabase(server, name);
}

export class TestDatabase {
  constructor(
    readonly server: PostgresServer,
    readonly name: string,
  ) {}

  get connectionString(): string {
    return this.server.connectionString.replace(/\/[^/]*$/, `/${this.name}`);
  }

  get slotName(): string {
    return `slot_${this.name}`;
  }

  props(more: Props = {}): Props {
    return {
      "topic.prefix": "shop",
      "database.hostname": this.server.host,
      "database.port": String(this.server.port),
      "database.user": this.server.user,
      "database.password": this.server.password,
      "database.dbname": this.name,
      "plugin.name": "pgoutput",
      "slot.name": this.slotName,
      "poll.interval.ms": "50",
      ...more,
    };
  }

  execute(...statements: string[]): Promise<void> {
    return execute(this, ...statements);
  }

  /** A task that streams from its existing slot: it emits all statements executed from now on. */
  async stream(more: Props = {}, stored: SourceMap | null = null): Promise<TaskDriver> {
    const driver = await TaskDriver.start(this.props({ "snapshot.mode": "no_data", ...more }), stored);
    await driver.streaming();
    return driver;
  }

  async value(sql: string): Promise<string | null> {
    return withClient(this, async (client) => {
      const { rows } = await client.query<{ value: unknown }>(sql);
      const value = rows[0]?.value;
      return value === undefined || value === null ? null : String(value);
    });
  }

  async currentLsn(): Promise<number> {
    return Number(await this.value("SELECT (pg_current_wal_lsn() - '0/0')::int8 AS value"));
  }

  /** The slot's confirmed position. */
  async confirmed(): Promise<number> {
    return Number(
      await this.value(
        `SELECT (confirmed_flush_lsn - '0/0')::int8 AS value FROM pg_replication_slots WHERE slot_name = '${this.slotName}'`,
      ),
    );
  }

  async published(): Promise<string[]> {
    const list = await this.value(
      "SELECT string_agg(schemaname || '.' || tablename, ',' ORDER BY 1) AS value FROM pg_publication_tables",
    );
    return (list ?? "").split(",").sort();
  }

  /** Writes rows of one column by COPY, so all share one WAL position. */
  async copyRows(table: string, rows: readonly string[]): Promise<void> {
    await withClient(this, async (client) => {
      const stream = client.query(from(`COPY ${table} FROM STDIN`));
      await new Promise<void>((resolve, reject) => {
        stream.on("finish", resolve);
        stream.on("error", reject);
        stream.end(rows.map((row) => `${row}\n`).join(""));
      });
    });
  }

  /** Drops the slot, once its reader is gone: only the replication protocol waits for that. */
  async dropSlot(): Promise<void> {
    const client = new pg.Client({ connectionString: this.connectionString, ...REPLICATION });
    await client.connect();
    try {
      await client.query(`DROP_REPLICATION_SLOT ${this.slotName} WAIT`);
    } finally {
      await client.end();
    }
  }

  /** Waits, in the server, until the slot has no reader. */
  released(): Promise<void> {
    return this.execute(`DO $$ BEGIN
      WHILE EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '${this.slotName}' AND active) LOOP
        PERFORM pg_sleep(0.01);
      END LOOP;
    END $$`);
  }
}
