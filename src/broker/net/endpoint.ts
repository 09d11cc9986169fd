import type { Endpoint } from "../handler.js";

/** Text that does not name a host and a port. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
}

/** Reads `HOST:PORT`, also with a listener name before (`PLAINTEXT://HOST:PORT`) and IPv6 in brackets. @throws EndpointError */
export function parseEndpoint(text: string): Endpoint {
  const parts = /^(?:[A-Za-z][A-Za-z0-9_-]*:\/\/)?(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text.trim());
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535) throw new EndpointError(`Expected HOST:PORT, got ${text}`);
  return { host: parts[1] ?? parts[2] ?? "", port };
}

/** Whether only this machine can connect to an address to listen on. */
export function isLoopback({ host }: Endpoint): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** The inverse of `parseEndpoint`, without listener name. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
