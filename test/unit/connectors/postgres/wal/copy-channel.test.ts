import { once } from "node:events";
import { Duplex } from "node:stream";
import fc from "fast-check";
import type pg from "pg";
import { describe, expect, test } from "vitest";
import { CopyChannel } from "../../../../../connectors/postgres/wal/copy-channel.js";

/** A client over a socket that the test controls. */
function fakeClient(): { client: pg.Client; socket: Duplex; sent: Buffer[] } {
  const sent: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      sent.push(chunk);
      done();
    },
  });
  return { client: { connection: { stream: socket } } as unknown as pg.Client, socket, sent };
}

function frame(tag: string, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const copyOut = frame("H", Buffer.from([0, 0, 0]));
const failure = (code: string, message: string) =>
  frame("E", Buffer.from(`SERROR\0VERROR\0C${code}\0M${message}\0\0`, "utf8"));

async function started(limitBytes = 1 << 20) {
  const { client, socket, sent } = fakeClient();
  const channel = new CopyChannel(client, limitBytes);
  const starting = channel.start("COPY t TO STDOUT");
  socket.push(copyOut);
  await starting;
  return { channel, socket, sent };
}

/** All messages until the copy ends. */
async function drain(channel: CopyChannel): Promise<string[]> {
  const messages: string[] = [];
  while (!channel.isDone) {
    const found = channel.next();
    if (found) messages.push(found.bytes.toString("latin1", found.start, found.end));
    else await channel.readable();
  }
  return messages;
}

describe("a copy", () => {
  test("arrives whole and in order, however the bytes are cut, and however low the limit", async () => {
    const body = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(body, { maxLength: 12 }),
        fc.array(fc.nat({ max: 90 }), { minLength: 1 }),
        fc.nat({ max: 200 }),
        async (bodies, cuts, limit) => {
          const { channel, socket } = await started(limit + 1);
          const all = Buffer.concat([
            ...bodies.map((bytes) => frame("d", Buffer.from(bytes))),
            frame("c"),
            frame("C", Buffer.from("COPY\0")),
            frame("Z", Buffer.from("I")),
          ]);
          for (let at = 0, turn = 0; at < all.length; turn++) {
            const length = (cuts[turn % cuts.length] ?? 0) + 1;
            socket.push(all.subarray(at, at + length));
            at += length;
          }
          expect(await drain(channel)).toEqual(bodies.map((bytes) => Buffer.from(bytes).toString("latin1")));
          channel.detach();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("pauses the socket above the limit, and resumes it as messages are read", async () => {
    const { channel, socket } = await started(1_000);
    const paused = once(socket, "pause");
    for (let i = 0; i < 5; i++) socket.push(frame("d", Buffer.alloc(700)));
    await paused;
    expect(channel.waitingBytes).toBeLessThan(1_000 + 705);
    socket.push(frame("Z", Buffer.from("I")));
    expect(await drain(channel)).toHaveLength(5);
  });

  test("that is refused rejects its start with the server's error", async () => {
    const { client, socket } = fakeClient();
    const channel = new CopyChannel(client, 1_000);
    const starting = channel.start("START_REPLICATION");
    socket.push(Buffer.concat([failure("55006", "slot is active"), frame("Z", Buffer.from("I"))]));
    await expect(starting).rejects.toMatchObject({ name: "ServerError", code: "55006", message: "slot is active" });
  });

  test("that breaks off returns the messages before, then throws the server's own error", async () => {
    const { channel, socket } = await started();
    socket.push(Buffer.concat([frame("d", Buffer.from("row")), failure("57P01", "terminating connection")]));
    socket.destroy();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(channel.next()).not.toBeNull();
    expect(() => channel.next()).toThrow(expect.objectContaining({ code: "57P01" }));
  });

  test("does not end the process when the socket fails", async () => {
    const { channel, socket } = await started();
    expect(channel.next()).toBeNull();
    socket.destroy(new Error("read ECONNRESET"));
    await channel.readable();
    expect(() => channel.next()).toThrow("read ECONNRESET");
  });

  test("whose publication is missing fails, though PostgreSQL 18 only warns", async () => {
    const { channel, socket } = await started();
    // In German, as lc_messages may configure.
    const warning = (code: string) =>
      frame("N", Buffer.from(`SWARNUNG\0VWARNING\0C${code}\0MLaden wurde übersprungen\0\0`, "utf8"));
    const row = frame("d", Buffer.from("row"));
    socket.push(Buffer.concat([warning("01000"), row, warning("55000"), row]));
    await channel.readable();
    expect(channel.next()).not.toBeNull();
    expect(() => channel.next()).toThrow(expect.objectContaining({ code: "55000", severity: "WARNING" }));
  });

  test("leaves the client usable after its end, and with nothing to misread before", async () => {
    const { client, socket } = fakeClient();
    const parsed: string[] = [];
    socket.on("data", (chunk: Buffer) => parsed.push(chunk.toString("latin1")));
    const channel = new CopyChannel(client, 1_000);
    const starting = channel.start("COPY t TO STDOUT");
    socket.push(Buffer.concat([copyOut, frame("Z", Buffer.from("I"))]));
    await starting;
    expect(channel.next()).toBeNull();
    channel.detach();
    const arrived = once(socket, "data");
    socket.push(Buffer.from("later"));
    await arrived;
    expect(parsed).toEqual(["later"]);

    const second = new CopyChannel(client, 1_000);
    second.detach();
    const thrownAway = once(socket, "data");
    socket.push(Buffer.from("half a message"));
    await thrownAway;
    expect(parsed).toEqual(["later"]);
  });
});
