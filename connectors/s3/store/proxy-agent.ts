import { type ClientRequestArgs, Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect } from "node:tls";
import type { Password } from "../../../src/api/index.js";

/** A proxy through which all requests go (s3.proxy.url). */
export interface ProxySettings {
  /** With its scheme, and without credentials. */
  readonly url: string;
  readonly user: string | undefined;
  readonly password: Password | undefined;
}

export interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/** For the proxy's answer to CONNECT. */
const CONNECT_TIMEOUT_MS = 30_000;

type Settings = ConstructorParameters<typeof HttpAgent>[0];
type Done = (error: Error | null, stream: Duplex) => void;

/**
 * Agents whose connections are tunnels (CONNECT) through a proxy, also to stores without TLS.
 *
 * @param timeoutMs for the proxy's answer: without one, each attempt would leave a connection behind.
 */
export function agentsThrough(proxy: ProxySettings, settings: Settings, timeoutMs = CONNECT_TIMEOUT_MS): Agents {
  return {
    httpAgent: new TunnelAgent(proxy, settings, timeoutMs),
    httpsAgent: new TlsTunnelAgent(proxy, settings, timeoutMs),
  };
}

class TunnelAgent extends HttpAgent {
  constructor(
    private readonly proxy: ProxySettings,
    settings: Settings,
    private readonly timeoutMs: number,
  ) {
    super(settings);
  }

  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    openTunnel(this.proxy, this.timeoutMs, options, done!);
  }
}

class TlsTunnelAgent extends HttpsAgent {
  constructor(
    private readonly proxy: ProxySettings,
    settings: Settings,
    private readonly timeoutMs: number,
  ) {
    super(settings);
  }

  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    openTunnel(this.proxy, this.timeoutMs, options, (error, socket) => {
      if (error) return done!(error, socket);
      const servername = options.host ?? undefined;
      done!(null, connect({ ...(options as ConnectionOptions), socket, ...(servername && { servername }) }));
    });
  }
}

function openTunnel(
  { url, user, password }: ProxySettings,
  timeoutMs: number,
  { host, port }: ClientRequestArgs,
  done: Done,
): void {
  const { protocol, hostname, port: proxyPort } = new URL(url);
  const isSecure = protocol === "https:";
  const credentials = Buffer.from(`${user}:${password?.value ?? ""}`).toString("base64");
  const path = `${host}:${port ?? (isSecure ? 443 : 80)}`;
  const request = (isSecure ? httpsRequest : httpRequest)({
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: proxyPort || (isSecure ? 443 : 80),
    method: "CONNECT",
    path,
    agent: false,
    headers: { Host: path, ...(user !== undefined && { "Proxy-Authorization": `Basic ${credentials}` }) },
  });
  const nothing = undefined as unknown as Duplex;
  request.once("connect", ({ statusCode }, socket) => {
    socket.setTimeout(0);
    if (statusCode === 200) return done(null, socket);
    socket.destroy();
    done(refusal(url, statusCode), nothing);
  });
  // A proxy that refuses without closing answers like a server.
  request.once("response", ({ statusCode }) => {
    request.destroy();
    done(refusal(url, statusCode), nothing);
  });
  request.once("error", (error) => done(error, nothing));
  request.setTimeout(timeoutMs, () => {
    request.destroy(
      Object.assign(new Error(`the proxy ${url} (s3.proxy.url) does not answer CONNECT within ${timeoutMs} ms`), {
        name: "ProxyError",
      }),
    );
  });
  request.end();
}

/** Time can heal it: the sink repeats, and its status shows the text. */
function refusal(url: string, status: number | undefined): Error {
  const remedy = status === 407 ? "; set s3.proxy.user and s3.proxy.password" : "";
  return Object.assign(new Error(`the proxy ${url} (s3.proxy.url) answers ${status} to CONNECT${remedy}`), {
    name: "ProxyError",
  });
}
