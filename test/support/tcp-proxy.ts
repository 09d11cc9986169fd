import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** How the proxy treats bytes, in both directions, from now on. */
export type ProxyMode =
  /** Passed on at once. */
  | { readonly kind: "pass" }
  /** Passed on so many milliseconds later, in order. */
  | { readonly kind: "latency"; readonly delayMs: number }
  /** Swallowed, connections stay open: what a dead network looks like. They get through no more, even after `pass`. */
  | { readonly kind: "blackhole" };

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/** Stands between a client and a server under test and makes their network fail on command. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  readonly #swallowed = new WeakSet<Socket>();
  #mode: ProxyMode = { kind: "pass" };
  #refuse = false;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Starts a proxy on a free port of 127.0.0.1 that connects to `target` for each connection it gets. */
  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  readonly host = "127.0.0.1";

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#links.size;
  }

  /** Resolves when the next connection has been made. Ask before what makes it. */
  async nextConnection(): Promise<void> {
    await once(this.#server, "connection");
  }

  setMode(mode: ProxyMode): void {
    this.#mode = mode;
  }

  /** Ends every open connection with RST on both sides; new ones are served. */
  reset(): void {
    for (const { client, server } of this.#links) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Resets every open connection, and every new one, until `accept`. */
  refuse(): void {
    this.#refuse = true;
    this.reset();
  }

  /** Serves new connections again. */
  accept(): void {
    this.#refuse = false;
  }

  /** Closes the direction towards the client of every open connection: it reads an end, and can still write. */
  halfClose(): void {
    for (const { client } of this.#links) client.end();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.reset();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#refuse) {
      client.on("error", () => client.destroy());
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.#target, allowHalfOpen: true });
    const link: Link = { client, server };
    this.#links.add(link);
    this.#forward(client, server);
    this.#forward(server, client);
    for (const socket of [client, server]) {
      // A side that fails takes the other with it, as a real path would; the test sees it on its own end.
      socket.on("error", () => {
        client.destroy();
        server.destroy();
      });
      socket.on("close", () => {
        this.#links.delete(link);
        client.destroy();
        server.destroy();
      });
    }
  }

  #forward(from: Socket, to: Socket): void {
    // Every timer sends the oldest chunk that waits, so that the order holds whatever the delays.
    const waiting: Buffer[] = [];
    let ended = false;
    const sendOldest = () => {
      const chunk = waiting.shift();
      if (chunk && to.writable) to.write(chunk);
      if (ended && waiting.length === 0) to.end();
    };
    from.on("data", (chunk) => {
      const mode = this.#mode;
      // Once a byte is lost the stream has a hole, and nothing behind it may get through.
      if (mode.kind === "blackhole" || this.#swallowed.has(from)) {
        this.#swallowed.add(from);
        return;
      }
      if (mode.kind === "latency" || waiting.length > 0) {
        waiting.push(chunk);
        setTimeout(sendOldest, mode.kind === "latency" ? mode.delayMs : 0);
        return;
      }
      if (!to.write(chunk)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
    });
    from.on("end", () => {
      ended = true;
      if (waiting.length === 0) to.end();
    });
  }
}
