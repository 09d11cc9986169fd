import type pg from "pg";
import { ConfigError, type SubmittedProps, type ValidationContext } from "../../src/api/index.js";
import { parseSettings, type Settings } from "./config/settings.js";
import { closeClient, connectDatabase } from "./server/database-client.js";
import { judgeFailure } from "./server/failure.js";
import { queryRows } from "./server/query-rows.js";
import { capturedTables } from "./tables/captured-tables.js";
import { TableFilter } from "./tables/table-filter.js";

/** A complaint about one key. */
export interface Finding {
  readonly key: string;
  readonly message: string;
}

const PREFIX = "Error while validating connector config: ";

/**
 * Connects and checks the task's needs: logical WAL, the right to replicate, the publication or the right to create it.
 * Collects all findings, as far as one failure does not hide the next.
 */
export async function checkDatabase(props: SubmittedProps, { clock, logger }: ValidationContext): Promise<Finding[]> {
  const settings = parsed(props);
  if (!settings) return [];
  const cut = new AbortController();
  const limitMs = Number(props["connection.validation.timeout.ms"] ?? 60_000);
  const timer = clock.schedule(limitMs, () => cut.abort());
  let client: pg.Client | undefined;
  try {
    client = await connectDatabase({
      settings: { ...settings.connection, initialStatements: [], queryTimeoutMs: limitMs },
      applicationName: "Debezium Validate Connection",
      signal: cut.signal,
      logger,
    });
    return [...(await checkReplication(client, settings)), ...(await checkPublication(client, settings))];
  } catch (error) {
    if (cut.signal.aborted)
      return [{ key: "database.hostname", message: `Connection validation timed out after ${limitMs} ms` }];
    return [finding(error, settings)];
  } finally {
    timer.cancel();
    closeClient(client);
  }
}

/** undefined if a key cannot be parsed: `validateSettings` has already reported it. */
function parsed(props: SubmittedProps): Settings | undefined {
  try {
    return parseSettings(props);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

function finding(error: unknown, settings: Settings): Finding {
  const { host, port, user, database } = settings.connection;
  const code = (error as { code?: unknown }).code;
  if (code === "ECONNREFUSED")
    return {
      key: "database.hostname",
      message: `${PREFIX}Connection to ${host}:${port} refused. Check database.hostname and database.port, and that Postgres listens there (listen_addresses).`,
    };
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return {
      key: "database.hostname",
      message: `${PREFIX}The host name ${host} cannot be resolved. Check database.hostname.`,
    };
  const scene = { host, port, user, database, slotName: settings.slotName, publicationName: settings.publication.name };
  const failure = judgeFailure(error, scene);
  if (failure.kind === "retry") return { key: "database.hostname", message: PREFIX + failure.cause };
  const key = failure.error instanceof ConfigError ? failure.error.key : "database.hostname";
  return { key, message: PREFIX + failure.error.message };
}

async function checkReplication(client: pg.Client, settings: Settings): Promise<Finding[]> {
  if (!settings.snapshot.streams) return [];
  const found: Finding[] = [];
  const [wal] = await queryRows(client, "SHOW wal_level");
  if (wal?.["wal_level"] !== "logical")
    found.push({
      key: "database.hostname",
      message: `${PREFIX}Postgres server wal_level property must be 'logical' but is: '${wal?.["wal_level"]}'. Set wal_level=logical in postgresql.conf and restart the server.`,
    });
  const [role] = await queryRows(
    client,
    `SELECT r.rolcanlogin AND (r.rolreplication OR r.rolsuper OR EXISTS (
       SELECT FROM pg_roles m WHERE m.rolname IN ('rds_superuser', 'rdsadmin', 'rdsrepladmin', 'rds_replication')
         AND pg_has_role(r.oid, m.oid, 'member'))) AS may
     FROM pg_roles r WHERE r.rolname = current_user`,
  );
  if (role?.["may"] !== "t")
    found.push({
      key: "database.user",
      message: `${PREFIX}Postgres roles LOGIN and REPLICATION are not assigned to user: ${settings.connection.user}. Run ALTER ROLE "${settings.connection.user}" REPLICATION.`,
    });
  return found;
}

async function checkPublication(client: pg.Client, settings: Settings): Promise<Finding[]> {
  if (!settings.snapshot.streams) return [];
  const { name, mode } = settings.publication;
  const [publication] = await queryRows(
    client,
    "SELECT puballtables AS all_tables FROM pg_publication WHERE pubname = $1",
    [name],
  );
  if (publication) return [];
  if (mode === "disabled")
    return [
      {
        key: "publication.name",
        message: `${PREFIX}Publication ${name} does not exist, and publication.autocreate.mode=disabled. Create it with CREATE PUBLICATION, or set another mode.`,
      },
    ];
  const [rights] = await queryRows(
    client,
    `SELECT has_database_privilege(current_database(), 'CREATE') AS may_create,
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_super`,
  );
  const missing: string[] = [];
  if (rights?.["may_create"] !== "t") missing.push("CREATE on the database");
  if (mode === "all_tables" && rights?.["is_super"] !== "t") missing.push("superuser, which FOR ALL TABLES requires");
  if (mode === "filtered" && rights?.["is_super"] !== "t") missing.push(...(await tablesOfOthers(client, settings)));
  if (missing.length === 0) return [];
  return [
    {
      key: "publication.autocreate.mode",
      message: `${PREFIX}User ${settings.connection.user} may not create publication ${name} (publication.autocreate.mode=${mode}): it lacks ${missing.join(", ")}. Grant that, or have an administrator create the publication and set publication.autocreate.mode=disabled.`,
    },
  ];
}

async function tablesOfOthers(client: pg.Client, settings: Settings): Promise<string[]> {
  const captured = await capturedTables(client, new TableFilter(settings));
  if (captured.length === 0) return [];
  const found = await queryRows(
    client,
    `SELECT c.oid::regclass::text AS table FROM pg_class c
     WHERE c.oid = ANY($1::oid[]) AND NOT pg_has_role(c.relowner, 'usage') ORDER BY 1 LIMIT 5`,
    [`{${captured.map(({ oid }) => oid).join(",")}}`],
  );
  return found.map((row) => `ownership of ${row["table"]}`);
}
