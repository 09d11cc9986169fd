import { ConfigError } from "../../api/index.js";

/** An address on which REST listens. */
export interface Listener {
  readonly scheme: "http" | "https";
  /** "" for every address of the machine. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

/** `scheme://host:port`; the host may be empty, or an IPv6 address in brackets. */
const LISTENER = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/;

/** A listener and its real port, which differs from a configured 0. */
export interface BoundListener extends Listener {
  readonly boundPort: number;
}

/** Parses an item of `key` (`listeners`, `admin.listeners`). @throws ConfigError */
export function parseListener(key: string, text: string): Listener {
  const [, scheme = "", host = "", port = ""] = LISTENER.exec(text.trim()) ?? [];
  const number = Number(port);
  const known = (["http", "https"] as const).find((name) => name === scheme.toLowerCase());
  const refused = (why: string) => new ConfigError(key, `Invalid value ${text} for configuration ${key}: ${why}`);
  if (!known || port === "") throw refused("expected http://host:port or https://host:port");
  if (number < 0 || number > 65_535) throw refused("the port must be between 0, for any free one, and 65535");
  return { scheme: known, host, port: number };
}

/** Whether no two sockets can listen on both. Port 0 is never taken; names are not resolved. */
export function collide(one: Listener, other: Listener): boolean {
  const overlap = one.host === other.host || takes(one, other) || takes(other, one);
  return one.port !== 0 && one.port === other.port && overlap;
}

/** Whether the host of one stands for addresses that include the other's. `::` takes the IPv4 addresses, too. */
function takes({ host }: Listener, other: Listener): boolean {
  if (host === "0.0.0.0") return !other.host.includes(":");
  return host === "" || host === "::";
}

/** The address of a worker's REST for other workers, where it differs from the listener's (`rest.advertised.*`). */
export interface Advertised {
  readonly host: string | null;
  readonly port: number | null;
  /** `http`, or `https` where a proxy in front of REST speaks TLS; in any case. */
  readonly scheme: string | null;
}

/**
 * The worker's id, and the URL of its REST for other workers: of the first listener of the advertised scheme, by default
 * http if there is such a listener.
 *
 * @param listeners at least one.
 */
export function advertisedAddress(
  listeners: readonly BoundListener[],
  advertised: Advertised,
  machineName: string,
): { readonly workerId: string; readonly url: string } {
  const preferred = listeners.find(({ scheme }) => scheme === "http") ?? listeners[0]!;
  const scheme = advertised.scheme?.toLowerCase() || preferred.scheme;
  const listener = listeners.find((each) => each.scheme === scheme) ?? preferred;
  const anyHost = listener.host === "" || listener.host === "0.0.0.0" || listener.host === "::";
  const host = advertised.host || (anyHost ? machineName : listener.host);
  const port = advertised.port ?? listener.boundPort;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return { workerId: `${host}:${port}`, url: `${scheme}://${authority}/` };
}

/** The URL of REST from this machine, for people and scripts: of the first http listener, if there is one. */
export function localUrl(listeners: readonly BoundListener[]): string {
  const { scheme, host, boundPort } = listeners.find((listener) => listener.scheme === "http") ?? listeners[0]!;
  if (host === "") return `${scheme}://127.0.0.1:${boundPort}`;
  return host.includes(":") ? `${scheme}://[${host}]:${boundPort}` : `${scheme}://${host}:${boundPort}`;
}
