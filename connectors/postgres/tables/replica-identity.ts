import type pg from "pg";
import type { Logger } from "../../../src/api/index.js";
import type { IdentityRule } from "../config/identity-rules.js";
import { codeOf } from "../server/failure.js";
import { queryRows } from "../server/query-rows.js";
import { quoteIdentifier } from "../server/sql-text.js";
import type { CapturedTable } from "./captured-tables.js";

const CURRENT = `
SELECT c.oid, CASE c.relreplident WHEN 'd' THEN 'DEFAULT' WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL'
         ELSE 'INDEX ' || (SELECT x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident)
       END AS identity
FROM pg_class c WHERE c.oid = ANY($1::oid[])`;

/**
 * Sets the replica identities of replica.identity.autoset.values where they differ. A table that several rules match,
 * or whose owner the role is not, keeps its own, and is logged.
 */
export async function setReplicaIdentities(
  client: pg.Client,
  rules: readonly IdentityRule[],
  captured: readonly CapturedTable[],
  logger: Logger,
): Promise<void> {
  if (rules.length === 0) return;
  const [server] = await queryRows(client, "SELECT pg_is_in_recovery() AS is_standby");
  if (server?.["is_standby"] === "t") return;
  const found = await queryRows(client, CURRENT, [`{${captured.map(({ oid }) => oid).join(",")}}`]);
  const current = new Map(found.map((row) => [Number(row["oid"]), row["identity"]]));
  for (const { oid, schema, table } of captured) {
    const matching = rules.filter(({ pattern }) => pattern.matches(`${schema}.${table}`));
    const [rule] = matching;
    if (!rule) continue;
    if (matching.length > 1) {
      logger.error(
        "More than one pattern of replica.identity.autoset.values matches a table, which keeps its identity",
        {
          table: `${schema}.${table}`,
        },
      );
      continue;
    }
    const wanted = rule.index === null ? rule.identity : `INDEX ${rule.index}`;
    if (current.get(oid) === wanted) continue;
    const identity = rule.index === null ? rule.identity : `USING INDEX ${quoteIdentifier(rule.index)}`;
    try {
      await client.query(
        `ALTER TABLE ${quoteIdentifier(schema)}.${quoteIdentifier(table)} REPLICA IDENTITY ${identity}`,
      );
      logger.info("Replica identity set", { table: `${schema}.${table}`, identity: wanted });
    } catch (error) {
      if (codeOf(error) !== "42501") throw error;
      logger.error("The role may not set the replica identity of a table: only its owner may", {
        table: `${schema}.${table}`,
        identity: wanted,
      });
    }
  }
}
