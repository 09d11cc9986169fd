import { ConfigError, ConflictError, type ConnectError, errorKind, UnsupportedError } from "../../../src/api/index.js";

/** The meaning of a failed connection or statement for the task. */
export type Failure =
  /** It may heal: wait and connect again. `isSlotInUse` counts towards slot.max.retries. */
  | { readonly kind: "retry"; readonly cause: string; readonly isSlotInUse: boolean }
  /** A person must act: the task fails with this error. */
  | { readonly kind: "fatal"; readonly error: Error };

export interface FailureScene {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly slotName: string;
  readonly publicationName: string;
}

/** A SQLSTATE has five characters, the first two being its class. EPIPE is the only system error code of that form. */
const SQLSTATE = /^(?!EPIPE$)[0-9A-Z]{5}$/;

/**
 * Judges by SQLSTATE, because lc_messages translates the texts. Classes 08, 53 (except 53400, no free replication
 * slot) and 57P0x (shutdown, crash, starting up), cancelled statements, deadlocks and other conflicts of transactions,
 * I/O errors and a slot in use heal; wrong credentials, missing rights or objects and unusable slots do not. Of the
 * errors without SQLSTATE, network errors heal; TLS and login errors and our own bugs do not.
 */
export function judgeFailure(error: unknown, scene: FailureScene): Failure {
  if (errorKind(error) !== undefined && errorKind(error) !== "retriable")
    return { kind: "fatal", error: error as ConnectError };
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (code === undefined || !SQLSTATE.test(code)) {
    if (LOGIN_FAILURE.test(message)) return { kind: "fatal", error: loginFailure(scene, message, error) };
    if (isTlsFailure(error, code)) return { kind: "fatal", error: tlsFailure(scene, message, error) };
    if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)
      return { kind: "fatal", error };
    return retry(message);
  }
  if (code === "55006") return { kind: "retry", cause: message, isSlotInUse: true };
  if (/^(08|53(?!400)|57P0|57014|40001|40P01|55P03|58030)/.test(code)) return retry(message);
  return { kind: "fatal", error: explain(error, code, message, scene) };
}

/** Whether the server refused a statement for what it says: a retry would be refused again. */
export function isPermanent(error: unknown): boolean {
  return /^(22|42|0A)/.test(codeOf(error) ?? "");
}

/** The task's error once its retries are used up. */
export function gaveUp(failure: Failure & { readonly kind: "retry" }, scene: FailureScene, cause: unknown): Error {
  const where = `Postgres at ${scene.host}:${scene.port}/${scene.database}: ${failure.cause}`;
  return failure.isSlotInUse
    ? new ConflictError(
        "POSTGRES_SLOT_IN_USE",
        `${where}. Gave up after slot.max.retries; when setting up multiple connectors for the same database host, please make sure to use a distinct replication slot name (slot.name) for each.`,
        { cause },
      )
    : new UnsupportedError("POSTGRES_UNAVAILABLE", `${where}. Gave up after errors.max.retries.`, { cause });
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && code !== "" ? code : undefined;
}

function retry(cause: string): Failure {
  return { kind: "retry", cause, isSlotInUse: false };
}

/** pg's own errors for a login it cannot complete; they have no code. */
const LOGIN_FAILURE = /^SASL: |^Unknown authenticationOk message type/;

function loginFailure(scene: FailureScene, message: string, cause: unknown): ConfigError {
  return new ConfigError(
    "database.password",
    `No login to Postgres at ${scene.host}:${scene.port} as ${scene.user}: ${message}. Check database.password and the method in pg_hba.conf: scram-sha-256, md5, password, cert and trust are supported.`,
    { cause },
  );
}

/** Node's codes for refused certificates, keys and handshakes. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|DEPTH_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_|SELF_SIGNED|UNABLE_TO)/;

function isTlsFailure(error: unknown, code: string | undefined): boolean {
  if (error instanceof Error && error.message === "The server does not support SSL connections") return true;
  return code !== undefined && TLS_CODE.test(code);
}

function tlsFailure(scene: FailureScene, message: string, cause: unknown): ConfigError {
  return new ConfigError(
    "database.sslmode",
    `No TLS connection to Postgres at ${scene.host}:${scene.port}: ${message}. Check database.sslmode, database.sslrootcert, database.sslcert and database.sslkey.`,
    { cause },
  );
}

/** Adds the key or object concerned, and the remedy, to the server's message. */
function explain(cause: unknown, code: string, message: string, scene: FailureScene): Error {
  const where = `Postgres at ${scene.host}:${scene.port}/${scene.database}`;
  if (code.startsWith("28"))
    return new ConfigError(
      "database.password",
      `${where} refuses role ${scene.user}: ${message}. Check database.user, database.password, that the role may log in and has REPLICATION, and pg_hba.conf.`,
      { cause },
    );
  if (code === "3D000")
    return new ConfigError("database.dbname", `${where}: ${message}. Check database.dbname.`, { cause });
  if (code === "42501")
    return new ConfigError(
      "database.user",
      `${where}: role ${scene.user} lacks a right: ${message}. It needs REPLICATION, USAGE on the schemas and SELECT on the captured tables, and, to create publication ${scene.publicationName}, CREATE on the database and ownership of the tables (superuser for all_tables).`,
      { cause },
    );
  if (code === "53400")
    return new UnsupportedError(
      "POSTGRES_LIMIT",
      `${where}: ${message}. Drop unused replication slots, or raise the limit (max_replication_slots).`,
      { cause },
    );
  return new UnsupportedError("POSTGRES_REFUSED", `${where} answered ${code}: ${message}`, { cause });
}
