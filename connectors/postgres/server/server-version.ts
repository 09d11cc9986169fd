import type pg from "pg";
import { queryRows } from "./query-rows.js";

/** As in server_version_num: 180004 is 18.4. */
export async function serverVersion(client: pg.Client): Promise<number> {
  const [row] = await queryRows(client, "SHOW server_version_num");
  return Number(row!["server_version_num"]);
}
