import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { Connection } from "../../../../src/broker/net/connection.js";
import type { ConnectionCall, Dispatcher } from "../../../../src/broker/net/dispatcher.js";
import { FrameMemory } from "../../../../src/broker/net/frame-memory.js";
import { FrameReader } from "../../../../src/broker/net/frame-reader.js";
import { MemoryBudget, OWN_BYTES } from "../../../../src/broker/net/memory-budget.js";
import { ANONYMOUS, Session } from "../../../../src/broker/security/session.js";
import { fetch } from "../../../../src/protocol/apis/fetch.js";

const ANYBODY = new Session("PLAINTEXT", "PLAINTEXT", { user: ANONYMOUS });
const MIB = 1024 * 1024;
/** Half of it for requests, half for answers. */
const LIMIT = 8 * MIB;

function socketOf(): Socket {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  return Object.assign(stream, { setNoDelay: () => stream, destroySoon: () => stream.destroy() }) as unknown as Socket;
}

test("a client with a part of a request stays connected while others do not take their answers", async () => {
  const clock = new SimClock();
  const budget = new MemoryBudget(() => LIMIT, clock);
  const other = () => budget.open({ resume: () => undefined, evict: () => undefined });
  other().addRequest(LIMIT / 2);
  const first = other();
  first.addRequest(2 * OWN_BYTES);
  first.waitToRead();
  await clock.settled();
  const served: Buffer[] = [];
  const dispatcher = {
    readsAtOnce: true,
    dispatch(frame: Buffer) {
      served.push(Buffer.from(frame));
      return [];
    },
  } as unknown as Dispatcher;
  const socket = socketOf();
  const frames = new FrameReader(100 * MIB, new FrameMemory());
  new Connection(socket, dispatcher, frames, budget, clock, silentLogger, ANYBODY, undefined);
  const request = Buffer.alloc(MIB);
  request.writeInt32BE(MIB - 4);
  socket.emit("data", request.subarray(0, 2 * OWN_BYTES));
  expect(socket.isPaused()).toBe(true);
  const slow = other();
  slow.addAnswer(LIMIT / 2);
  // The turn is now that of the client, whose request cannot be served.
  first.endFrame();
  await clock.advance(20_000);
  expect(socket.destroyed).toBe(false);
  slow.addAnswer(-LIMIT / 2);
  await clock.settled();
  expect(socket.isPaused()).toBe(false);
  socket.emit("data", request.subarray(2 * OWN_BYTES));
  expect(served.map(({ length }) => length)).toEqual([MIB - 4]);
});

test("a muted connection serves its next request once the time is over, and answers the present one at once", async () => {
  const clock = new SimClock();
  const budget = new MemoryBudget(() => LIMIT, clock);
  const served: number[] = [];
  const dispatcher = {
    readsAtOnce: true,
    dispatch(frame: Buffer, { mute }: ConnectionCall) {
      served.push(frame.readInt32BE(0));
      if (served.length === 1) {
        mute(5000);
        mute(100);
      }
      return [Buffer.from("answer")];
    },
  } as unknown as Dispatcher;
  const written: string[] = [];
  const socket = socketOf();
  Object.assign(socket, { write: (bytes: Buffer) => written.push(String(bytes)) });
  new Connection(
    socket,
    dispatcher,
    new FrameReader(MIB, new FrameMemory()),
    budget,
    clock,
    silentLogger,
    ANYBODY,
    undefined,
  );
  const requests = Buffer.alloc(24);
  for (const [at, id] of [1, 2].entries()) {
    requests.writeInt32BE(8, at * 12);
    requests.writeInt32BE(id, at * 12 + 4);
  }
  socket.emit("data", requests);
  expect(served).toEqual([1]);
  expect(written).toEqual(["answer"]);
  await clock.advance(4999);
  expect(served).toEqual([1]);
  await clock.advance(1);
  expect(served).toEqual([1, 2]);
});

test("the buffer of an answer is used again once the client has taken all of it, and never if the connection breaks", () => {
  const clock = new SimClock();
  const budget = new MemoryBudget(() => LIMIT, clock);
  const taken: Buffer[] = [];
  const dispatcher = {
    readsAtOnce: true,
    dispatch(_frame: Buffer, { memory }: ConnectionCall) {
      taken.push(memory.take(MIB));
      return [Buffer.alloc(30), taken.at(-1)!];
    },
  } as unknown as Dispatcher;
  const writes: ((error?: Error) => void)[] = [];
  const socket = socketOf();
  Object.assign(socket, {
    write: (_bytes: Buffer, written?: () => void) => written && writes.push(written),
    cork: () => undefined,
    uncork: () => undefined,
  });
  const frames = new FrameReader(MIB, new FrameMemory());
  new Connection(socket, dispatcher, frames, budget, clock, silentLogger, ANYBODY, undefined);
  const request = Buffer.alloc(12);
  request.writeInt32BE(8);
  socket.emit("data", request);
  // In steps of 256 KiB, the first of which holds the answer's head, too.
  for (let step = 0; step < 4; step++) writes.shift()!();
  expect([writes.length, budget.answers.keptBytes]).toEqual([1, 0]);
  writes.shift()!();
  expect(budget.answers.keptBytes).toBe(MIB);
  socket.emit("data", request);
  expect(taken[1]!.buffer).toBe(taken[0]!.buffer);
  writes.shift()!(new Error("ECONNRESET"));
  socket.destroy();
  expect([taken.length, budget.answers.keptBytes]).toEqual([2, 0]);
});

test.each([
  ["is muted", OWN_BYTES],
  ["has a request that waits", OWN_BYTES],
  ["has a request that holds its bytes", 6],
])("a connection that %s waits for no memory with %i bytes of its next request", async (state, bytes) => {
  const clock = new SimClock();
  const budget = new MemoryBudget(() => LIMIT, clock);
  budget.open({ resume: () => undefined, evict: () => undefined }).addRequest(LIMIT / 2);
  const answer = deferred<Buffer[]>();
  const served: number[] = [];
  const dispatcher = {
    readsAtOnce: true,
    dispatch(frame: Buffer, { mute, memory }: ConnectionCall) {
      served.push(frame.length);
      if (served.length > 1) return [];
      if (state === "is muted") mute(5000);
      if (state === "has a request that holds its bytes") memory.hold(OWN_BYTES);
      return state === "is muted" ? [] : answer.promise;
    },
  } as unknown as Dispatcher;
  const socket = socketOf();
  const pause = socket.pause.bind(socket);
  let pauses = 0;
  Object.assign(socket, {
    pause: () => {
      if (++pauses > 100) throw new Error("it never stops to wait");
      return pause();
    },
  });
  const frames = new FrameReader(100 * MIB, new FrameMemory());
  new Connection(socket, dispatcher, frames, budget, clock, silentLogger, ANYBODY, undefined);
  const [first, next] = [Buffer.alloc(12), Buffer.alloc(2 * OWN_BYTES)];
  for (const request of [first, next]) {
    request.writeInt32BE(request.length - 4);
    request.writeInt16BE(fetch.key, 4);
  }
  socket.emit("data", first);
  socket.emit("data", next.subarray(0, bytes));
  await clock.settled();
  expect([socket.isPaused(), socket.destroyed]).toEqual([true, false]);
  // Once it may serve, it reads on, though no memory is free: it has the turn.
  answer.resolve([]);
  await clock.advance(5000);
  expect(socket.isPaused()).toBe(false);
  socket.emit("data", next.subarray(bytes));
  expect(served).toEqual([8, next.length - 4]);
});

test("a muted connection is not closed as stalled; it is once it could send for long, and others wait for memory", async () => {
  const clock = new SimClock();
  const budget = new MemoryBudget(() => LIMIT, clock);
  const dispatcher = {
    readsAtOnce: true,
    dispatch(_frame: Buffer, { mute }: ConnectionCall) {
      mute(60_000);
      return [];
    },
  } as unknown as Dispatcher;
  const socket = socketOf();
  const frames = new FrameReader(100 * MIB, new FrameMemory());
  new Connection(socket, dispatcher, frames, budget, clock, silentLogger, ANYBODY, undefined);
  const first = Buffer.alloc(12);
  first.writeInt32BE(8);
  socket.emit("data", first);
  const next = Buffer.alloc(2 * OWN_BYTES);
  next.writeInt32BE(MIB - 4);
  socket.emit("data", next);
  // It waits for room as long as the client does not take its answer, which moves.
  const slow = budget.open({ resume: () => undefined, evict: () => undefined });
  slow.addAnswer((LIMIT * 3) / 8);
  void slow.room(new AbortController().signal);
  for (let second = 0; second < 85; second++) {
    slow.moved();
    await clock.advance(1000);
  }
  expect(socket.destroyed).toBe(false);
  for (let second = 0; second < 10; second++) {
    slow.moved();
    await clock.advance(1000);
  }
  expect(socket.destroyed).toBe(true);
});
