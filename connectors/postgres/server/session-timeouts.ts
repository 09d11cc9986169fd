import type pg from "pg";

/**
 * Ends the timeouts of a session that holds a snapshot: a large table or a slow worker may take long. Those that this
 * version of the server does not know are left out.
 */
export async function endTimeouts(client: pg.Client): Promise<void> {
  await client.query(
    `SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN
     ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`,
  );
}
