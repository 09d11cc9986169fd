import { errorKind, type Props, type SinkPlugin, SinkRecord, type SinkTask, STRING } from "../api/index.js";
import type { SinkFixture } from "./fixture.js";
import { clock, oneTaskConfig, patience, taskContext, until, within } from "./plugin-run.js";

const PARTITION = { topic: "conformance", partition: 0 };
const BATCH = 3;

/** The value of the record at `offset`. */
const valueAt = (offset: number) => `record-${offset}`;

function recordAt(offset: number): SinkRecord {
  const { topic, partition } = PARTITION;
  return new SinkRecord(topic, partition, null, null, STRING, valueAt(offset), offset, clock.nowMs(), "CreateTime");
}

/** One sink task with one partition, driven as a worker drives it. */
class SinkRun {
  readonly #stopping = new AbortController();
  #position: number;
  committed = 0;

  private constructor(
    private readonly task: SinkTask,
    private readonly fixture: SinkFixture,
    position: number,
  ) {
    this.#position = position;
  }

  /** @param position the committed offset, from which the partition is read unless the task seeks. */
  static async start(plugin: SinkPlugin, fixture: SinkFixture, position: number): Promise<SinkRun> {
    const run = new SinkRun(await plugin.task(), fixture, position);
    const config: Props = await oneTaskConfig(plugin, fixture.props);
    try {
      await patience("start", run.task.start(run.#context(), config));
      await patience("open", run.task.open([PARTITION]));
    } catch (error) {
      await run.task.stop();
      throw error;
    }
    return run;
  }

  /** Puts the records before `end`; after a RetriableError, the same batch again. */
  async putUntil(end: number): Promise<void> {
    while (this.#position < end) {
      const size = Math.min(BATCH, end - this.#position);
      await this.#put(Array.from({ length: size }, (_, at) => recordAt(this.#position + at)));
      this.#position += size;
    }
  }

  /** Repeats preCommit until every record put is committed. Checks each offset that it returns. (I2) */
  async commitAll(): Promise<void> {
    await until(
      () => `preCommit returning ${this.#position}, after ${this.committed}`,
      async () => {
        await this.preCommit();
        if (this.committed < this.#position) await this.#put([]);
        return this.committed === this.#position;
      },
    );
  }

  async preCommit(): Promise<void> {
    const current = { ...PARTITION, offset: this.#position };
    for (const { topic, partition, offset } of await patience("preCommit", this.task.preCommit([current]))) {
      if (topic !== PARTITION.topic || partition !== PARTITION.partition || offset > this.#position) {
        throw new Error(`preCommit returned ${topic}-${partition}@${offset}: put was ${this.#position} records`);
      }
      await requireDelivered(this.fixture, offset, `preCommit returned offset ${offset}`);
      this.committed = Math.max(this.committed, offset);
    }
  }

  /** Stops the task as a worker does: a last preCommit, `close`, `stop`. */
  async stop(ms: number): Promise<void> {
    this.#stopping.abort();
    const end = async () => {
      await this.preCommit();
      await this.task.close([PARTITION]);
      await this.task.stop();
    };
    await within(ms, "Stopping (preCommit, close, stop)", end());
  }

  /** Releases the resources of a run that its check has not stopped, because it "crashed" or the check failed. */
  async bury(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.task.stop();
  }

  async #put(records: readonly SinkRecord[]): Promise<void> {
    await until(
      () => "put taking a batch",
      async () => {
        try {
          await patience("put", this.task.put(records));
          return true;
        } catch (error) {
          if (errorKind(error) !== "retriable") throw error;
          return false;
        }
      },
    );
  }

  #context(): Parameters<SinkTask["start"]>[0] {
    return {
      ...taskContext,
      stopping: this.#stopping.signal,
      assignment: () => [PARTITION],
      seek: (offsets) => {
        for (const { offset } of offsets) this.#position = offset;
      },
      pause: () => {},
      resume: () => {},
      requestCommit: () => {},
      commitTimeoutMs: 5000,
      retryAfter: () => {},
      reportErrant: undefined,
    };
  }
}

async function requireDelivered(fixture: SinkFixture, end: number, when: string): Promise<void> {
  const delivered = await fixture.delivered();
  for (let offset = 0; offset < end; offset++) {
    // record-12 does not count as record-1.
    const value = new RegExp(`${valueAt(offset)}(?!\\d)`);
    if (!delivered.some((text) => value.test(text))) {
      throw new Error(`${when}, but ${valueAt(offset)} is not at the destination`);
    }
  }
}

/** Runs `check`, then releases the runs it started and did not stop. */
async function withRuns(
  plugin: SinkPlugin,
  fixture: SinkFixture,
  check: (start: (position: number) => Promise<SinkRun>) => Promise<void>,
): Promise<void> {
  const runs: SinkRun[] = [];
  try {
    await check(async (position) => {
      const run = await SinkRun.start(plugin, fixture, position);
      runs.push(run);
      return run;
    });
  } finally {
    for (const run of runs) await run.bury();
  }
}

/** A second task continues after the first task's last commit. */
export function checkGoesOn(plugin: SinkPlugin, fixture: SinkFixture, stopMs: number): Promise<void> {
  return withRuns(plugin, fixture, async (start) => {
    const first = await start(0);
    await first.putUntil(BATCH);
    await first.commitAll();
    await first.stop(stopMs);
    const second = await start(first.committed);
    await second.putUntil(2 * BATCH);
    await second.commitAll();
    await second.stop(stopMs);
    await requireDelivered(fixture, 2 * BATCH, "All records are committed");
  });
}

/** A task ends after `put` and before `preCommit`; its successor receives the same records again. */
export function checkSurvivesCrash(plugin: SinkPlugin, fixture: SinkFixture, stopMs: number): Promise<void> {
  return withRuns(plugin, fixture, async (start) => {
    const crashed = await start(0);
    await crashed.putUntil(BATCH);
    const second = await start(0);
    await second.putUntil(2 * BATCH);
    await second.commitAll();
    await second.stop(stopMs);
    await requireDelivered(fixture, 2 * BATCH, "All records are committed");
  });
}

/** Stops a task without records, and one with records that are not committed. */
export function checkStops(plugin: SinkPlugin, fixture: SinkFixture, stopMs: number): Promise<void> {
  return withRuns(plugin, fixture, async (start) => {
    const idle = await start(0);
    await idle.stop(stopMs);
    const busy = await start(0);
    await busy.putUntil(1);
    await busy.stop(stopMs);
  });
}
