import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** The proxy's current treatment of bytes, in both directions. */
export type ProxyMode =
  /** Forwarded at once. */
  | { readonly kind: "pass" }
  /** Forwarded after so many milliseconds, in order. */
  | { readonly kind: "latency"; readonly delayMs: number }
  /** Kept, and forwarded in order once another mode is set, even if the sender has closed its connection by then. */
  | { readonly kind: "hold" }
  /** Dropped, with connections left open, like a dead network. Such a connection stays dead even after `pass`. */
  | { readonly kind: "blackhole" };

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Forwards what was held. */
  release(): void;
}

/** One direction of a link. */
interface Pipe {
  readonly isHolding: boolean;
  release(): void;
}

/** A proxy between a client and a server under test that makes their network fail on command. */
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

  /** Starts a proxy on a free port of 127.0.0.1; each of its connections opens one to `target`. */
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

  /** The number of open connections. */
  get connections(): number {
    return this.#links.size;
  }

  /** Resolves when the next connection is made. Call it before the act that connects. */
  async nextConnection(): Promise<void> {
    await once(this.#server, "connection");
  }

  setMode(mode: ProxyMode): void {
    this.#mode = mode;
    if (mode.kind !== "hold") for (const link of [...this.#links]) link.release();
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

  /** Half-closes every open connection towards the client: it reads an end, and can still write. */
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
    const up = this.#forward(client, server);
    const down = this.#forward(server, client);
    const end = () => {
      this.#links.delete(link);
      client.destroy();
      server.destroy();
    };
    const release = () => {
      up.release();
      down.release();
      if (client.destroyed) server.end();
    };
    const link: Link = { client, server, release };
    this.#links.add(link);
    for (const socket of [client, server]) {
      // A failing side closes the other, as on a real network path; the test sees it at its own end.
      socket.on("error", end);
      socket.on("close", () => {
        const isHeld = socket === client && (this.#mode.kind === "hold" || up.isHolding);
        if (!isHeld) end();
      });
    }
  }

  #forward(from: Socket, to: Socket): Pipe {
    // Every timer sends the oldest waiting chunk, which keeps the order whatever the delays.
    const waiting: Buffer[] = [];
    let ended = false;
    const endIfSent = () => {
      if (ended && waiting.length === 0 && this.#mode.kind !== "hold") to.end();
    };
    const sendOldest = () => {
      if (this.#mode.kind === "hold") return;
      const chunk = waiting.shift();
      if (chunk && to.writable) to.write(chunk);
      endIfSent();
    };
    from.on("data", (chunk) => {
      const mode = this.#mode;
      // After a lost byte the stream has a gap, so nothing behind it may pass.
      if (mode.kind === "blackhole" || this.#swallowed.has(from)) {
        this.#swallowed.add(from);
        return;
      }
      if (mode.kind === "hold") {
        waiting.push(chunk);
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
      endIfSent();
    });
    return {
      get isHolding() {
        return waiting.length > 0;
      },
      release: () => {
        while (waiting.length > 0) sendOldest();
        endIfSent();
      },
    };
  }
}
