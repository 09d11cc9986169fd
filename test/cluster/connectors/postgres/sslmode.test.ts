import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { parseSettings } from "../../../../connectors/postgres/config/settings.js";
import { connectDatabase } from "../../../../connectors/postgres/server/database-client.js";
import { silentLogger } from "../../../../src/base/logger.js";

const SSL_REQUEST = 80_877_103;

/** A server whose pg_hba.conf admits no client, with messages in German and without TLS. */
class ClosedServer {
  readonly asked: ("tls" | "plain")[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        const wantsTls = chunk.readInt32BE(4) === SSL_REQUEST;
        this.asked.push(wantsTls ? "tls" : "plain");
        if (wantsTls) socket.write("N");
        else socket.end(refusal("kein pg_hba.conf-Eintrag für Host"));
      });
    });
  }

  static async start(): Promise<ClosedServer> {
    const closed = new ClosedServer();
    await new Promise<void>((resolve) => closed.#server.listen(0, "127.0.0.1", resolve));
    return closed;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

function refusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C28000\0M${message}\0\0`, "utf8");
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

let server: ClosedServer | undefined;
afterEach(() => server?.stop());

test.each([
  ["allow", ["plain", "tls"]],
  ["prefer", ["tls", "plain"]],
  ["disable", ["plain"]],
] as const)("sslmode=%s tries %j, and fails with the reason that a user can fix", async (mode, expected) => {
  server = await ClosedServer.start();
  const settings = parseSettings({
    "topic.prefix": "p",
    "database.hostname": "127.0.0.1",
    "database.port": String(server.port),
    "database.user": "u",
    "database.dbname": "d",
    "database.sslmode": mode,
  });
  const connecting = connectDatabase({
    settings: settings.connection,
    applicationName: "test",
    signal: new AbortController().signal,
    logger: silentLogger,
  });
  await expect(connecting).rejects.toMatchObject({ code: "28000" });
  expect(server.asked).toEqual(expected);
});
