import { expect, test } from "vitest";
import type { SignalBatch, SignalChannel } from "../../../../../connectors/postgres/signals/signal-channel.js";
import { SignalInbox } from "../../../../../connectors/postgres/signals/signal-inbox.js";
import type { SourceMap } from "../../../../../src/api/index.js";
import { SimClock } from "../../../../../src/base/clock.js";
import { silentLogger } from "../../../../../src/base/logger.js";
import { SeededRandom } from "../../../../../src/base/random.js";

/** A channel that holds what the test puts there. */
class TestChannel implements SignalChannel {
  readonly batches: (SignalBatch | Error)[] = [];
  readonly settled: number[] = [];
  failSettle = false;

  constructor(readonly name: "kafka" | "file") {}

  async read(): Promise<SignalBatch | undefined> {
    const batch = this.batches.shift();
    if (batch instanceof Error) throw batch;
    return batch;
  }

  async settle(place: number): Promise<void> {
    if (this.failSettle) throw new Error("away");
    this.settled.push(place);
  }

  async close(): Promise<void> {}
}

class Scene {
  readonly clock = new SimClock();
  readonly kafka = new TestChannel("kafka");
  readonly file = new TestChannel("file");
  readonly warnings: string[] = [];
  readonly inbox: SignalInbox;
  wakes = 0;

  constructor(stored: SourceMap | null = null) {
    this.inbox = new SignalInbox({
      channels: [this.kafka, this.file],
      stored,
      pollMs: 5000,
      clock: this.clock,
      random: new SeededRandom(1),
      logger: { ...silentLogger, warn: (message) => void this.warnings.push(message) },
      stopping: new AbortController().signal,
    });
  }

  async start(): Promise<void> {
    this.inbox.start(() => void this.wakes++);
    await this.clock.settled();
  }
}

const signal = (id: string) => ({ id, type: "log", data: "{}" });

test("a batch is settled once an offset is stored that holds what it asked for", async () => {
  const scene = new Scene();
  scene.kafka.batches.push({ signals: [signal("a")], place: 7 }, { signals: [signal("b")], place: 8 });
  await scene.start();
  expect(scene.wakes).toBe(2);
  const { inbox } = scene;
  expect(inbox.keys).toEqual({});
  expect(inbox.take()).toEqual({ ...signal("a"), channel: "kafka" });
  expect(inbox.nextKeys).toEqual({ signals_count: 1, signals_kafka_offset: 7 });
  inbox.done(true);
  expect(inbox.take()).toBe("ended");
  const first = inbox.keys;
  expect(first).toEqual({ signals_count: 1, signals_kafka_offset: 7 });
  inbox.take();
  inbox.done(true);
  inbox.take();
  expect(inbox.take()).toBeUndefined();
  await scene.clock.settled();
  expect(scene.kafka.settled).toEqual([]);
  inbox.stored({ lsn: 1, ...first });
  await scene.clock.settled();
  expect(scene.kafka.settled).toEqual([7]);
  inbox.stored({ lsn: 2, ...inbox.keys });
  await scene.clock.settled();
  expect(scene.kafka.settled).toEqual([7, 8]);
});

test("a batch that no offset holds is settled at once, but not before an earlier one", async () => {
  const scene = new Scene();
  scene.kafka.batches.push({ signals: [], place: 3 });
  await scene.start();
  expect(scene.inbox.take()).toBe("ended");
  await scene.clock.settled();
  expect(scene.kafka.settled).toEqual([3]);

  scene.kafka.batches.push({ signals: [signal("a")], place: 4 }, { signals: [signal("b")], place: 5 });
  await scene.clock.advance(5000);
  for (const isHeld of [true, false]) {
    scene.inbox.take();
    scene.inbox.done(isHeld);
    scene.inbox.take();
  }
  await scene.clock.settled();
  expect(scene.kafka.settled).toEqual([3]);
  scene.inbox.stored(scene.inbox.keys);
  await scene.clock.settled();
  expect(scene.kafka.settled).toEqual([3, 4, 5]);
});

test("a signal that a lost connection interrupted is taken again", async () => {
  const scene = new Scene();
  scene.file.batches.push({ signals: [signal("a"), signal("b")], place: 1 });
  await scene.start();
  const { inbox } = scene;
  expect(inbox.take()).toMatchObject({ id: "a", channel: "file" });
  // It is not the last of its batch.
  expect(inbox.nextKeys).toEqual({});
  inbox.reopen();
  expect(inbox.take()).toMatchObject({ id: "a" });
  inbox.done(true);
  inbox.reopen();
  expect(inbox.take()).toMatchObject({ id: "b" });
  expect(inbox.nextKeys).toEqual({ signals_count: 1 });
});

test("goes on counting where the stored offset ended, and knows signals without an id by a random one", async () => {
  const scene = new Scene({ lsn: 1, signals_count: 4, signals_kafka_offset: 9 });
  expect(scene.inbox.keys).toEqual({ signals_count: 4, signals_kafka_offset: 9 });
  scene.file.batches.push({ signals: [signal("")], place: 1 });
  await scene.start();
  expect(scene.inbox.take()).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  scene.inbox.done(true);
  scene.inbox.take();
  expect(scene.inbox.keys).toEqual({ signals_count: 5, signals_kafka_offset: 9 });
});

test("a channel that fails is warned of once, and read again; one that cannot settle is asked again", async () => {
  const scene = new Scene();
  scene.kafka.batches.push(new Error("away"), new Error("away"), { signals: [], place: 2 });
  scene.kafka.failSettle = true;
  await scene.start();
  await scene.clock.advance(5000);
  expect(scene.warnings).toEqual(["Signals cannot be read, which is tried again"]);
  await scene.clock.advance(5000);
  expect(scene.inbox.take()).toBe("ended");
  await scene.clock.settled();
  await scene.clock.advance(5000);
  expect(scene.warnings.slice(1)).toEqual([
    "A signal that is carried out comes again after a restart until its channel forgets it, which is tried again",
  ]);
  scene.kafka.failSettle = false;
  await scene.clock.advance(5000);
  expect(scene.kafka.settled).toEqual([2]);
});

test("a flood of signals stays in its channel while the stream takes none", async () => {
  const scene = new Scene();
  for (let place = 1; place <= 600; place++) scene.kafka.batches.push({ signals: [signal("a")], place });
  await scene.start();
  expect(scene.kafka.batches).toHaveLength(100);
  while (scene.inbox.take() !== undefined) scene.inbox.done(true);
  await scene.clock.advance(5000);
  expect(scene.kafka.batches).toEqual([]);
  expect(scene.inbox.take()).toMatchObject({ id: "a" });
});
