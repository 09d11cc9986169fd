import type { ConnectionOptions, TlsOptions } from "node:tls";
import { ConfigError, type Props } from "../api/index.js";
import { tlsOptions } from "../base/config/tls-options.js";
import { clientAuth, type DistributedConfig } from "../herder/config/distributed-config.js";
import { collide, type Listener, parseListener } from "../http/server/listener.js";
import type { Endpoint } from "../http/server/rest-server.js";

const MAIN_PREFIX = "listeners.https.";
const ADMIN_PREFIX = "admin.listeners.https.";

/** Where REST listens. */
export interface RestEndpoints {
  readonly main: readonly Endpoint[];
  /** Separate listeners for /admin; undefined: on the main ones. Empty: nowhere. */
  readonly admin: readonly Endpoint[] | undefined;
}

/**
 * Reads `listeners`, `admin.listeners` and the TLS settings of the https ones among them.
 *
 * @throws ConfigError naming the key.
 */
export function restEndpoints(
  config: Pick<DistributedConfig, "listeners" | "admin.listeners">,
  props: Props,
): RestEndpoints {
  const endpoints = (key: string, texts: readonly string[], prefix: string): Endpoint[] =>
    texts.map((text) => {
      const listener = parseListener(key, text);
      return { listener, tls: listener.scheme === "https" ? listenerTls(listener, props, prefix) : undefined };
    });
  const texts = config["admin.listeners"];
  const main = endpoints("listeners", config.listeners, MAIN_PREFIX);
  const admin = texts === null ? undefined : endpoints("admin.listeners", texts, ADMIN_PREFIX);
  refuseCollisions(main, admin ?? []);
  return { main, admin };
}

/** The system's own error would name the second address alone, as if another process had it. */
function refuseCollisions(main: readonly Endpoint[], admin: readonly Endpoint[]): void {
  const seen: { readonly key: string; readonly listener: Listener }[] = [];
  const named = (key: string, of: readonly Endpoint[]) => of.map(({ listener }) => ({ key, listener }));
  for (const each of [...named("listeners", main), ...named("admin.listeners", admin)]) {
    const other = seen.find(({ listener }) => collide(listener, each.listener));
    seen.push(each);
    if (!other) continue;
    const { key, listener } = each;
    const text = `${listener.scheme}://${listener.host}:${listener.port}`;
    const remedy =
      key === other.key
        ? "give each a port of its own"
        : `leave ${key} out to serve /admin there, too, or choose another port`;
    throw new ConfigError(
      key,
      `Invalid value ${text} for configuration ${key}: ${other.key} has that port already; ${remedy}`,
    );
  }
}

/** TLS for requests to other workers: the settings of this worker's own listeners, as in Kafka Connect. */
export function workerTls(props: Props): ConnectionOptions {
  return tlsOf(props, MAIN_PREFIX);
}

function listenerTls({ host, port }: Listener, props: Props, prefix: string): TlsOptions {
  const settings = tlsSettings(props, prefix);
  const { checkServerIdentity: _, ...tls } = tlsOf(props, prefix);
  if (!("cert" in tls)) {
    throw new ConfigError(
      `${prefix}ssl.keystore.location`,
      `The listener https://${host}:${port} needs a key: set ${prefix}ssl.keystore.location to a PEM, JKS or PKCS12 file, or ssl.keystore.location if no key with the prefix ${prefix} is set`,
      { code: "CONFIG_MISSING" },
    );
  }
  const key = "ssl.client.auth";
  const auth = settings[key]?.trim().toLowerCase() ?? "none";
  const fault = clientAuth(key, auth);
  if (fault !== undefined) throw new ConfigError(key, fault);
  return { ...tls, requestCert: auth !== "none", rejectUnauthorized: auth === "required" } as TlsOptions;
}

function tlsOf(props: Props, prefix: string): ConnectionOptions {
  try {
    return tlsOptions(tlsSettings(props, prefix));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.key, `TLS of REST (${prefix}* or ssl.*): ${error.message}`, { cause: error });
  }
}

/** All or nothing: with one key of the prefix, those without it do not count. */
function tlsSettings(props: Props, prefix: string): Props {
  const own = Object.entries(props).filter(([key]) => key.startsWith(prefix));
  return own.length === 0 ? props : Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}
