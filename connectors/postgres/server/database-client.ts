import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type pg from "pg";
import type { Logger } from "../../../src/api/index.js";
import type { ConnectionSettings } from "../config/settings.js";
import type { SslSettings } from "../config/ssl-settings.js";

/** Long enough for a distant server, short enough for somebody who waits for an answer. */
const CONNECT_TIMEOUT_MS = 20_000;

/** Text forms are part of what values are read from: set on every connection, whatever the database's defaults. */
const SESSION =
  "SET DateStyle='ISO, YMD'; SET IntervalStyle='postgres'; SET extra_float_digits=3; SET bytea_output='hex'; SET TimeZone='UTC'; SET client_encoding='UTF8'";

export interface ConnectOptions {
  readonly settings: ConnectionSettings;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly isReplication?: boolean;
  /** Cuts the connection, whatever it is doing. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/**
 * A connected client whose loss never ends the process: what is under way on it is rejected, and whoever uses it next
 * finds out.
 *
 * @throws what pg or the server said; `judgeFailure` tells what that means.
 */
export async function connectDatabase(options: ConnectOptions): Promise<pg.Client> {
  const { settings, signal } = options;
  const { mode } = settings.ssl;
  const tls = mode === "disable" || mode === "allow" ? undefined : await tlsOptions(settings.ssl, settings.host);
  try {
    return await connectOnce(options, tls ?? false);
  } catch (error) {
    // `prefer` falls back to plain text where the server has no TLS, `allow` the other way round.
    if (mode === "prefer" && saysNoTls(error) && !signal.aborted) return connectOnce(options, false);
    if (mode === "allow" && wantsTls(error) && !signal.aborted)
      return connectOnce(options, await tlsOptions(settings.ssl, settings.host));
    throw error;
  }
}

async function connectOnce(options: ConnectOptions, ssl: ConnectionOptions | false): Promise<pg.Client> {
  const { settings, signal, logger } = options;
  const { default: postgres } = await import("pg");
  // Last thing before the socket is made: nobody would end one that is made after the signal.
  signal.throwIfAborted();
  const isReplication = options.isReplication ?? false;
  const client = new postgres.Client({
    host: settings.host,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    database: settings.database,
    application_name: options.applicationName,
    keepAlive: settings.keepAlive,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ssl,
    // Every value as its text: nothing here wants pg's own idea of a date or a number.
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

/** Ends a connection the orderly way; one that is lost already is only let go of. */
export function closeClient(client: pg.Client | undefined): void {
  if (!client) return;
  const { stream } = client.connection;
  if (stream.destroyed || !stream.writable) stream.destroy();
  else void client.end();
}

async function tlsOptions(ssl: SslSettings, host: string): Promise<ConnectionOptions> {
  const rootCert = ssl.rootCertPath === null ? undefined : await readFile(ssl.rootCertPath);
  const cert = ssl.certPath === null ? undefined : await readFile(ssl.certPath);
  const key = ssl.keyPath === null ? undefined : readKey(await readFile(ssl.keyPath), ssl.keyPassword);
  // libpq: `require` checks the certificate's chain where a root certificate is given.
  const verifiesChain =
    ssl.mode === "verify-ca" || ssl.mode === "verify-full" || (ssl.mode === "require" && rootCert !== undefined);
  return {
    rejectUnauthorized: verifiesChain,
    ...(ssl.mode === "verify-full" ? { host } : { checkServerIdentity: () => undefined }),
    ...(rootCert && { ca: rootCert }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

/** The driver that Debezium uses takes keys as PKCS-8 DER; most others have PEM. */
function readKey(bytes: Buffer, passphrase: string | null): string {
  const secret = passphrase === null ? {} : { passphrase };
  const key = bytes.toString("latin1", 0, 10).startsWith("-----")
    ? createPrivateKey({ key: bytes, format: "pem", ...secret })
    : createPrivateKey({ key: bytes, format: "der", type: "pkcs8", ...secret });
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

function saysNoTls(error: unknown): boolean {
  return error instanceof Error && error.message === "The server does not support SSL connections";
}

function wantsTls(error: unknown): boolean {
  return (
    error instanceof Error && (error as { code?: unknown }).code === "28000" && /no encryption/.test(error.message)
  );
}
