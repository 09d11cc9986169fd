import type pg from "pg";
import { ConfigError, type Logger } from "../../../src/api/index.js";
import { codeOf } from "../server/failure.js";

/**
 * Runs a statement with a heartbeat. Most of its errors are only logged: the heartbeat is sent anyway.
 *
 * @param key of the configuration, which asks for it.
 * @throws ConfigError for a missing table; connection errors and shutdowns of the server unchanged.
 */
export async function runHeartbeatAction(client: pg.Client, key: string, query: string, logger: Logger): Promise<void> {
  try {
    await client.query(query);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || /^(57P|08)/.test(code)) throw error;
    if (code === "42P01") throw new ConfigError(key, `${key} failed: ${(error as Error).message}`, { cause: error });
    logger.warn(`${key} failed`, { code }, error);
  }
}
