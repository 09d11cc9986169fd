import pg from "pg";
import type { Clock } from "../api/clock.js";
import type { Random } from "../api/random.js";
import { readFinalRows } from "./check/final-rows.js";
import { judgePipeline } from "./check/judge-pipeline.js";
import { SHOP_TABLES } from "./check/shop-tables.js";
import { StoredObjects } from "./check/stored-objects.js";
import type { TopicObserver } from "./check/topic-observer.js";
import type { ConnectRest } from "./connect-rest.js";
import type { DemoResult } from "./demo-report.js";
import type { DemoScreen } from "./demo-screen.js";
import type { DemoStack } from "./demo-stack.js";
import { grouped } from "./demo-table.js";
import { DemoWorkload } from "./demo-workload.js";
import { peakMemoryMiB } from "./process-memory.js";

/** The parts of one run of the demo. */
export interface DemoRunOptions {
  readonly stack: DemoStack;
  readonly rest: ConnectRest;
  readonly observer: TopicObserver;
  readonly screen: DemoScreen;
  readonly clock: Clock;
  readonly random: Random;
  /** Duration of the live mix. */
  readonly liveMs: number;
  /** Ends the run early: everything that waits throws. */
  readonly signal: AbortSignal;
}

const LIVE_CLIENTS = 4;
const LIVE_RATE = 200;
/** After a count has stood still for this long, the check reports the rest as missing. */
const STALLED_MS = 20_000;

/** The main job from the first POST to the verdict, watched from the outside. */
export class DemoRun {
  readonly #options: DemoRunOptions;
  readonly #workload: DemoWorkload;
  readonly #objects: StoredObjects;
  #rowCount = 0;

  constructor(options: DemoRunOptions) {
    const { stack, clock, random, liveMs } = options;
    this.#options = options;
    this.#objects = new StoredObjects(stack.s3, stack.bucket);
    this.#workload = new DemoWorkload({
      connectionString: stack.connectionString,
      clients: LIVE_CLIENTS,
      rate: LIVE_RATE,
      durationMs: liveMs,
      clock,
      random,
    });
  }

  /** Runs all steps. @throws the reason of `signal`, or the error of a part. */
  async run(): Promise<DemoResult> {
    const { stack, observer } = this.#options;
    const snapshotMs = await this.#snapshot();
    // The live mix begins when the sink has caught up: it measures a pipeline at work, not one that is behind.
    await this.#awaitObjects(this.#rowCount);
    const liveElapsedMs = await this.#live();
    await this.#awaitObjects(this.#expectedEvents - this.#workload.counts.deletes);
    const rows = await this.#query((client) => readFinalRows(client, stack.source.config["topic.prefix"] ?? ""));
    return {
      verdicts: judgePipeline(rows, observer.events, this.#objects.contents),
      rowCount: this.#rowCount,
      snapshotMs,
      counts: this.#workload.counts,
      liveEvents: this.#expectedEvents - this.#rowCount,
      liveElapsedMs,
      latenciesMs: latencies(this.#workload.commitsMs, observer.arrivalsMs),
      memoryMiB: peakMemoryMiB(stack.up.pid),
      objects: this.#objects.contents.length,
    };
  }

  /** Rejects once a connector or task has failed, or broker and worker have ended; resolves when `signal` aborts. */
  async watch(): Promise<void> {
    const { stack, rest, clock, signal } = this.#options;
    let ended: string | undefined;
    const noteEnd = stack.up.exited.then((how) => {
      ended = how;
    });
    while (!signal.aborted) {
      await Promise.race([clock.delay(1000, signal), noteEnd]);
      if (signal.aborted) return;
      if (ended !== undefined) throw new Error(`Broker and worker ended with ${ended}`);
      const failed = (await rest.states()).find(({ state }) => state === "FAILED");
      if (failed) throw new Error(`${failed.name} has failed: ${failed.trace}`);
    }
  }

  /** Every change is one event; a delete also has a tombstone. */
  get #expectedEvents(): number {
    const { inserts, updates, deletes } = this.#workload.counts;
    return this.#rowCount + inserts + updates + 2 * deletes;
  }

  async #snapshot(): Promise<number> {
    const { stack, rest, observer, screen, clock } = this.#options;
    this.#rowCount = await this.#countRows();
    screen.step(`POST ${stack.up.restUrl}/connectors: ${stack.source.name}, ${stack.sink.name}`);
    const startMs = clock.monotonicMs();
    await rest.create(stack.source);
    await rest.create(stack.sink);
    const total = grouped(this.#rowCount);
    await this.#until(
      () => observer.snapshotEvents,
      this.#rowCount,
      (count) => screen.progress(`snapshot: ${grouped(count)} of ${total} rows are in topics`),
    );
    const elapsedMs = clock.monotonicMs() - startMs;
    screen.step(`snapshot: ${grouped(observer.snapshotEvents)} rows are in topics`);
    return elapsedMs;
  }

  async #live(): Promise<number> {
    const { observer, screen, clock, signal } = this.#options;
    const { counts } = this.#workload;
    const startMs = clock.monotonicMs();
    let live = true;
    const working = this.#workload.run(signal).finally(() => {
      live = false;
    });
    const show = (count: number) => {
      const { inserts, updates, deletes } = counts;
      const done = `${grouped(inserts)} inserts, ${grouped(updates)} updates, ${grouped(deletes)} deletes`;
      screen.progress(`live: ${done}; ${grouped(count)} events in topics`);
    };
    const showing = (async () => {
      for (; live; await this.#pause()) show(observer.events.length);
    })();
    await Promise.all([working, showing]);
    await this.#until(() => observer.events.length, this.#expectedEvents, show);
    const elapsedMs = clock.monotonicMs() - startMs;
    screen.step(`live: ${grouped(observer.events.length - this.#rowCount)} more events are in topics`);
    return elapsedMs;
  }

  async #awaitObjects(expected: number): Promise<void> {
    const { screen } = this.#options;
    const measure = async () => {
      await this.#objects.refresh();
      return this.#objects.records;
    };
    await this.#until(measure, expected, (count) =>
      screen.progress(`objects: ${grouped(count)} of ${grouped(expected)} records`),
    );
    const { records, contents } = this.#objects;
    screen.step(`objects: ${grouped(records)} records in ${grouped(contents.length)} objects`);
  }

  #countRows(): Promise<number> {
    return this.#query(async (client) => {
      let count = 0;
      for (const { select } of SHOP_TABLES) {
        count += (await client.query(`select count(*)::int as n from (${select}) t`)).rows[0].n;
      }
      return count;
    });
  }

  async #query<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.#options.stack.connectionString });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Waits until a count reaches its goal or stands still for long, and shows it meanwhile. */
  async #until(
    measure: () => number | Promise<number>,
    expected: number,
    show: (count: number) => void,
  ): Promise<void> {
    const { clock } = this.#options;
    let last = -1;
    let movedMs = clock.monotonicMs();
    for (; ; await this.#pause()) {
      const count = await measure();
      show(count);
      if (count >= expected) return;
      if (count !== last) movedMs = clock.monotonicMs();
      if (clock.monotonicMs() - movedMs > STALLED_MS) return;
      last = count;
    }
  }

  async #pause(): Promise<void> {
    await this.#options.clock.delay(100, this.#options.signal);
    this.#options.signal.throwIfAborted();
  }
}

/** From each commit to the reading of its last event; 0 if that was read before the client saw its own commit. */
function latencies(commitsMs: ReadonlyMap<number, number>, arrivalsMs: ReadonlyMap<number, number>): number[] {
  const all: number[] = [];
  for (const [transaction, committedMs] of commitsMs) {
    const arrivedMs = arrivalsMs.get(transaction);
    if (arrivedMs !== undefined) all.push(Math.max(0, arrivedMs - committedMs));
  }
  return all;
}
