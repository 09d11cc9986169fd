import { ConfigError } from "../../api/index.js";

/** The address of the REST listener. */
export interface Listener {
  readonly scheme: "http";
  /** "" for every address of the machine. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

/** `scheme://host:port`; the host may be empty, or an IPv6 address in brackets. */
const LISTENER = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/;

/** Parses an item of `listeners`. @throws ConfigError */
export function parseListener(text: string): Listener {
  const [, scheme = "", host = "", port = ""] = LISTENER.exec(text.trim()) ?? [];
  const number = Number(port);
  if (scheme.toLowerCase() === "https") {
    throw new ConfigError(
      "listeners",
      `Invalid value ${text} for configuration listeners: https is not built yet; put a proxy in front of http`,
      {
        code: "NOT_BUILT_YET",
      },
    );
  }
  if (scheme.toLowerCase() !== "http" || port === "" || number < 0 || number > 65_535) {
    throw new ConfigError("listeners", `Invalid value ${text} for configuration listeners: expected http://host:port`);
  }
  return { scheme: "http", host, port: number };
}

/** The address of a worker's REST for other workers, where it differs from the listener's (`rest.advertised.*`). */
export interface Advertised {
  readonly host: string | null;
  readonly port: number | null;
  /** `http`, or `https` where a proxy in front of REST speaks TLS; in any case. */
  readonly scheme: string | null;
}

/** The worker's id, and the URL of its REST for other workers. */
export function advertisedAddress(
  listener: Listener,
  boundPort: number,
  advertised: Advertised,
  machineName: string,
): { readonly workerId: string; readonly url: string } {
  const anyHost = listener.host === "" || listener.host === "0.0.0.0" || listener.host === "::";
  const host = advertised.host || (anyHost ? machineName : listener.host);
  const port = advertised.port ?? boundPort;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const scheme = advertised.scheme?.toLowerCase() || listener.scheme;
  return { workerId: `${host}:${port}`, url: `${scheme}://${authority}/` };
}
