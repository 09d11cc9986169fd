import { Duplex } from "node:stream";
import type pg from "pg";
import { expect, test } from "vitest";
import { type Lsn, readLsn, writeLsn } from "../../../../../connectors/postgres/wal/lsn.js";
import { ReplicationStream } from "../../../../../connectors/postgres/wal/replication-stream.js";
import { judgeSilence, SilenceLimit } from "../../../../../connectors/postgres/wal/server-silence.js";
import { SimClock } from "../../../../../src/base/clock.js";

/** A server's end of one stream: records the bytes it receives, and sends messages. */
class FakeServer {
  readonly clock = new SimClock();
  readonly silence = new SilenceLimit();
  readonly #sent: Buffer[] = [];
  readonly #socket = new Duplex({
    read() {},
    write: (chunk: Buffer, _, done) => {
      this.#sent.push(chunk);
      done();
    },
  });

  async stream(): Promise<ReplicationStream> {
    const starting = ReplicationStream.start({ connection: { stream: this.#socket } } as unknown as pg.Client, {
      slotName: "s",
      publicationName: "p",
      withMessages: true,
      slotOptions: [],
      startLsn: 800 as Lsn,
      limitBytes: 1 << 20,
      statusIntervalMs: 10_000,
      silence: this.silence,
      clock: this.clock,
    });
    this.#send("W", Buffer.from([0, 0, 0]));
    return starting;
  }

  keepalive(lsn: number): void {
    const body = Buffer.alloc(18);
    body[0] = 0x6b;
    writeLsn(body, lsn as Lsn, 1);
    this.#send("d", body);
  }

  #send(tag: string, body: Buffer): void {
    const head = Buffer.alloc(5);
    head.write(tag);
    head.writeInt32BE(body.length + 4, 1);
    this.#socket.push(Buffer.concat([head, body]));
  }

  /** The status updates so far: the position confirmed, and whether they request a reply. */
  get statuses(): { confirmed: number; asks: boolean }[] {
    return this.#sent
      .filter((chunk) => chunk[0] === 0x64)
      .map((chunk) => ({ confirmed: readLsn(chunk, 5 + 9), asks: chunk[5 + 33] === 1 }));
  }
}

test("no position is confirmed that the server has not reached over this connection", async () => {
  const server = new FakeServer();
  const stream = await server.stream();
  stream.confirm(1600 as Lsn);
  expect(server.statuses).toEqual([]);
  server.keepalive(1000);
  await stream.readable();
  stream.next();
  stream.confirm(1600 as Lsn);
  expect(server.statuses).toEqual([]);
  stream.confirm(1000 as Lsn);
  expect(server.statuses).toEqual([{ confirmed: 1000, asks: false }]);
  stream.close();
});

test("a connection is closed after a minute without an answer, and only after longer the next time", async () => {
  const server = new FakeServer();
  const stream = await server.stream();
  await server.clock.advance(50_000);
  expect(server.statuses.map(({ asks }) => asks)).toEqual([true, true, true, true, true]);
  server.keepalive(1000);
  await stream.readable();
  await server.clock.advance(60_000);
  expect(stream.next()).toBeNull();
  await server.clock.advance(10_000);
  expect(() => stream.next()).toThrow(/has not answered for 60 s/);
  stream.close();
  expect(server.silence.limitMs).toBe(120_000);
});

test("silence counts only the time in which the server could have answered and been heard", () => {
  const look = { elapsedMs: 10_000, intervalMs: 10_000, mayHaveAnswered: false };
  expect(judgeSilence(5_000, look)).toBe(15_000);
  expect(judgeSilence(50_000, { ...look, mayHaveAnswered: true })).toBe(0);
  // The process was suspended: bytes that arrived in the meantime are not read yet.
  expect(judgeSilence(0, { ...look, elapsedMs: 3_600_000 })).toBe(20_000);
});
