import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type pg from "pg";
import { ConfigError, type Logger } from "../../../src/api/index.js";
import type { ConnectionSettings } from "../config/settings.js";
import type { SslSettings } from "../config/ssl-settings.js";
import { codeOf } from "./failure.js";

/** Long enough for a distant server, short enough for a user waiting for the validation's result. */
const CONNECT_TIMEOUT_MS = 20_000;

/**
 * Values are parsed from their text forms, and written in literals, so every connection sets these, overriding the
 * database's defaults. Some connections idle for long; servers before PostgreSQL 14 have no limit for that.
 */
const SESSION =
  "SET DateStyle='ISO, YMD'; SET IntervalStyle='postgres'; SET extra_float_digits=3; SET bytea_output='hex'; SET TimeZone='UTC'; SET client_encoding='UTF8'; SET standard_conforming_strings=on; SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";

export interface ConnectOptions {
  readonly settings: ConnectionSettings;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly isReplication?: boolean;
  /** Cuts the connection, even in the middle of a query. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * A connected client whose loss never ends the process: pending and later queries are rejected instead.
 *
 * @throws the error of pg or the server unchanged; `judgeFailure` interprets it.
 */
export async function connectDatabase(options: ConnectOptions): Promise<pg.Client> {
  const { settings, signal } = options;
  const { mode } = settings.ssl;
  const tls = mode === "disable" || mode === "allow" ? undefined : await tlsOptions(settings.ssl, settings.host);
  try {
    return await connectOnce(options, tls ?? false);
  } catch (error) {
    if (signal.aborted) throw error;
    // As in libpq: `prefer` retries without TLS if the server has none or pg_hba.conf rejects the connection; `allow`
    // retries with TLS.
    if (mode === "prefer" && (saysNoTls(error) || isRejected(error))) return connectOtherwise(options, false, error);
    if (mode === "allow" && isRejected(error))
      return connectOtherwise(options, await tlsOptions(settings.ssl, settings.host), error);
    throw error;
  }
}

/** @throws `first`, the error of the first attempt, if pg_hba.conf rejects this one, too. */
async function connectOtherwise(
  options: ConnectOptions,
  ssl: ConnectionOptions | false,
  first: unknown,
): Promise<pg.Client> {
  try {
    return await connectOnce(options, ssl);
  } catch (error) {
    throw !saysNoTls(first) && (saysNoTls(error) || isRejected(error)) ? first : error;
  }
}

async function connectOnce(options: ConnectOptions, ssl: ConnectionOptions | false): Promise<pg.Client> {
  const { settings, signal, logger } = options;
  const { default: postgres } = await import("pg");
  // After the last await: a socket created after the signal would never be closed.
  signal.throwIfAborted();
  const isReplication = options.isReplication ?? false;
  const client = new postgres.Client({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password === "" ? refuseLogin(settings) : settings.password,
    database: settings.database,
    application_name: options.applicationName,
    keepAlive: settings.keepAlive,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ssl,
    // Every value as text, never as pg's own dates or numbers.
    types: { getTypeParser: () => (text: string) => text },
    ...(isReplication && { replication: "database" }),
  } as pg.ClientConfig);
  client.on("error", (error) =>
    logger.debug("Connection to Postgres lost", { application: options.applicationName, reason: error.message }),
  );
  const cut = () => client.connection.stream.destroy();
  signal.addEventListener("abort", cut, { once: true });
  client.once("end", () => signal.removeEventListener("abort", cut));
  try {
    await client.connect();
    await client.query(SESSION);
    if (!isReplication) {
      if (settings.queryTimeoutMs > 0) await client.query(`SET statement_timeout=${settings.queryTimeoutMs}`);
      for (const statement of settings.initialStatements) await client.query(statement);
    }
    return client;
  } catch (error) {
    client.connection.stream.destroy();
    throw error;
  }
}

/** Ends a connection in order; destroys the socket of one that is already lost. */
export function closeClient(client: pg.Client | undefined): void {
  if (!client) return;
  const { stream } = client.connection;
  if (stream.destroyed || !stream.writable) stream.destroy();
  else void client.end();
}

/** pg calls the function only if the server asks for a password. */
function refuseLogin({ host, port, user }: ConnectionSettings): () => Promise<string> {
  return () =>
    Promise.reject(
      new ConfigError(
        "database.password",
        `Postgres at ${host}:${port} asks for the password of ${user}: set database.password.`,
      ),
    );
}

async function tlsOptions(ssl: SslSettings, host: string): Promise<ConnectionOptions> {
  const rootCert = await readOptional("database.sslrootcert", ssl.rootCertPath);
  const cert = await readOptional("database.sslcert", ssl.certPath);
  const key = await readOptional("database.sslkey", ssl.keyPath);
  // libpq: `require` checks the certificate's chain if a root certificate is configured.
  const verifiesChain =
    ssl.mode === "verify-ca" || ssl.mode === "verify-full" || (ssl.mode === "require" && rootCert !== undefined);
  return {
    rejectUnauthorized: verifiesChain,
    ...(ssl.mode === "verify-full" ? { host } : { checkServerIdentity: () => undefined }),
    ...(rootCert && { ca: rootCert }),
    ...(cert && { cert }),
    ...(key && { key: readKey(key, ssl.keyPassword) }),
  };
}

/** @throws ConfigError naming `key` for a file that cannot be read. */
async function readOptional(key: string, path: string | null): Promise<Buffer | undefined> {
  if (path === null) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ConfigError(key, `The file of ${key} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Debezium's driver expects keys as PKCS-8 DER; most other tools use PEM.
 *
 * @throws ConfigError for a key that cannot be read, or not with this password.
 */
function readKey(bytes: Buffer, passphrase: string | null): string {
  const secret = passphrase === null ? {} : { passphrase };
  try {
    const key = bytes.toString("latin1", 0, 10).startsWith("-----")
      ? createPrivateKey({ key: bytes, format: "pem", ...secret })
      : createPrivateKey({ key: bytes, format: "der", type: "pkcs8", ...secret });
    return key.export({ type: "pkcs8", format: "pem" }) as string;
  } catch (cause) {
    if (passphrase !== null)
      throw new ConfigError(
        "database.sslpassword",
        `database.sslpassword does not open the key of database.sslkey, or that file holds none: ${(cause as Error).message}`,
        { cause },
      );
    throw new ConfigError(
      "database.sslkey",
      `The file of database.sslkey holds no private key (PEM, or PKCS-8 DER), or one that needs database.sslpassword: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function saysNoTls(error: unknown): boolean {
  return error instanceof Error && error.message === "The server does not support SSL connections";
}

/** 28000: pg_hba.conf rejects the connection. */
function isRejected(error: unknown): boolean {
  return codeOf(error) === "28000";
}
