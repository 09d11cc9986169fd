import type { Endpoint } from "../handler.js";

/** The text is not a valid HOST:PORT. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
}

/**
 * Parses `HOST:PORT`, optionally after a listener name (`PLAINTEXT://HOST:PORT`), IPv6 in brackets. @throws
 * EndpointError
 */
export function parseEndpoint(text: string): Endpoint {
  const parts = /^(?:[A-Za-z][A-Za-z0-9_-]*:\/\/)?(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text.trim());
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535) throw new EndpointError(`Expected HOST:PORT, got ${text}`);
  return { host: parts[1] ?? parts[2] ?? "", port };
}

/** Whether only this machine can connect to a socket that listens on this address. */
export function isLoopback({ host }: Endpoint): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** The inverse of `parseEndpoint`, without a listener name. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
