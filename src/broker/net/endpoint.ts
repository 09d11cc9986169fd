import type { Endpoint } from "../handler.js";

/** The text is not a valid HOST:PORT. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
}

/**
 * Parses `HOST:PORT`, optionally after a listener name (`PLAINTEXT://HOST:PORT`), IPv6 in brackets.
 *
 * @throws EndpointError
 */
export function parseEndpoint(text: string): Endpoint {
  const parts = /^(?:[A-Za-z][A-Za-z0-9_-]*:\/\/)?(?:\[([^\]]+)\]|([^:[\]]*)):(\d+)$/.exec(text.trim());
  if (!parts) throw new EndpointError(`Expected HOST:PORT, got ${text}`);
  const port = Number(parts[3]);
  if (port > 65_535) throw new EndpointError(`The port of ${text} is above 65535`);
  return { host: parts[1] ?? parts[2] ?? "", port };
}

/** Whether only this machine can connect to a socket that listens on this address. */
export function isLoopback({ host }: Endpoint): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Where a client on this machine reaches a socket that listens on `endpoint`: loopback, if it listens everywhere. */
export function reachableHere({ host, port }: Endpoint): Endpoint {
  const anyAddress: Readonly<Record<string, string>> = { "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1" };
  return { host: anyAddress[host] ?? host, port };
}

/** The inverse of `parseEndpoint`, without a listener name. An empty host, every address, stays empty. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
