import type pg from "pg";
import { ConfigError, type Logger } from "../../../src/api/index.js";
import { codeOf } from "../server/failure.js";

/**
 * Runs heartbeat.action.query. Most of its errors are only logged: the heartbeat is sent anyway.
 *
 * @throws ConfigError for a missing table; connection errors and shutdowns of the server unchanged.
 */
export async function runHeartbeatAction(client: pg.Client, query: string, logger: Logger): Promise<void> {
  try {
    await client.query(query);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || /^(57P|08)/.test(code)) throw error;
    if (code === "42P01")
      throw new ConfigError("heartbeat.action.query", `heartbeat.action.query failed: ${(error as Error).message}`, {
        cause: error,
      });
    logger.warn("heartbeat.action.query failed", { code }, error);
  }
}
