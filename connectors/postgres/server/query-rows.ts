import type pg from "pg";

/** Rows by column name, every value as the server's text. */
export async function queryRows(
  client: pg.Client,
  sql: string,
  parameters: readonly (string | number | null)[] = [],
): Promise<Record<string, string | null>[]> {
  const result = await client.query<Record<string, string | null>>(sql, [...parameters]);
  return result.rows;
}
