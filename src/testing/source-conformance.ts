import {
  errorKind,
  type Props,
  type SourceMap,
  type SourceOffset,
  type SourcePlugin,
  type SourceRecord,
  type SourceTask,
} from "../api/index.js";
import { parseExactJson, sourceMapKey } from "../base/exact-json.js";
import type { SourceFixture } from "./fixture.js";
import { oneTaskConfig, patience, pluginContext, taskContext, until, within } from "./plugin-run.js";

/** One source task, driven as a worker drives it. */
class SourceRun {
  readonly #stopping = new AbortController();
  #polling: Promise<readonly SourceRecord[] | null> | undefined;
  readonly records: SourceRecord[] = [];

  private constructor(
    private readonly task: SourceTask,
    private readonly stored: ReadonlyMap<string, SourceMap>,
  ) {}

  static async start(plugin: SourcePlugin, props: Props, stored: ReadonlyMap<string, SourceMap>): Promise<SourceRun> {
    const run = new SourceRun(await plugin.task(), stored);
    try {
      await patience("start", run.task.start(run.#context(), await oneTaskConfig(plugin, props)));
    } catch (error) {
      await run.task.stop();
      throw error;
    }
    return run;
  }

  async readUntil(count: number): Promise<void> {
    await until(
      () => `${count} records from poll, of which ${this.records.length} came`,
      async () => {
        try {
          this.records.push(...((await patience("poll", this.poll())) ?? []));
        } catch (error) {
          if (errorKind(error) !== "retriable") throw error;
        } finally {
          this.#polling = undefined;
        }
        return this.records.length >= count;
      },
    );
  }

  poll(): Promise<readonly SourceRecord[] | null> {
    this.#polling ??= this.task.poll();
    return this.#polling;
  }

  /** Stops the task as a worker does: `stopping` aborts, the waiting poll returns, then `stop`. */
  async stop(ms: number): Promise<void> {
    this.#stopping.abort();
    await within(ms, "Stopping (the poll that waits, then stop)", this.#end());
  }

  async #end(): Promise<void> {
    try {
      await this.#polling;
    } catch {
      // A poll that is cut off may fail.
    }
    await this.task.stop();
  }

  #context(): Parameters<SourceTask["start"]>[0] {
    return {
      ...taskContext,
      stopping: this.#stopping.signal,
      readOffsets: async (partitions): Promise<SourceOffset[]> =>
        partitions.map((partition) => ({ partition, offset: this.stored.get(sourceMapKey(partition)) ?? null })),
      openTopic: () => {
        throw new Error("These checks offer no Kafka: openTopic opens nothing here");
      },
      requestCommit: () => {},
    };
  }
}

const NOTHING_STORED: ReadonlyMap<string, SourceMap> = new Map();

/** Identifies a record: reading it again yields the same place. */
const placeOf = ({ topic, sourcePartition, sourceOffset }: SourceRecord) =>
  `${topic} ${sourceMapKey(sourcePartition)} ${sourceMapKey(sourceOffset)}`;

/** The offset of the second of four records is stored; the next task must begin with the third. */
export async function checkResumes(plugin: SourcePlugin, fixture: SourceFixture, stopMs: number): Promise<void> {
  const first = await SourceRun.start(plugin, fixture.props, NOTHING_STORED);
  try {
    // The source grows while poll waits, because a task may begin to listen only in its first poll.
    first.poll().catch(() => {}); // readUntil awaits it
    await fixture.grow(4);
    await first.readUntil(4);
  } finally {
    await first.stop(stopMs);
  }
  const stored = new Map<string, SourceMap>();
  for (const { sourcePartition, sourceOffset } of first.records.slice(0, 2)) {
    // In the form in which the offsets topic returns it.
    stored.set(sourceMapKey(sourcePartition), parseExactJson(sourceMapKey(sourceOffset)) as SourceMap);
  }
  await checkAltering(plugin, fixture.props, stored);
  const second = await SourceRun.start(plugin, fixture.props, stored);
  try {
    await second.readUntil(2);
  } finally {
    await second.stop(stopMs);
  }
  const expected = first.records.slice(2, 4).map(placeOf);
  const came = second.records.slice(0, 2).map(placeOf);
  if (expected.join() === came.join()) return;
  throw new Error(`After the stored offset came ${came.join(", ")} instead of ${expected.join(", ")}`);
}

/** Users may store again what they were shown, and delete anything, even what no task could use. */
async function checkAltering(
  plugin: SourcePlugin,
  props: Props,
  stored: ReadonlyMap<string, SourceMap>,
): Promise<void> {
  const alter = async (offsets: readonly SourceOffset[], refusal: string) => {
    try {
      await plugin.connector().alterOffsets?.(props, offsets, pluginContext);
    } catch (cause) {
      throw new Error(refusal, { cause });
    }
  };
  const own = [...stored].map(([key, offset]) => ({ partition: parseExactJson(key) as SourceMap, offset }));
  await alter(own, "alterOffsets refused an offset of the task's own");
  await alter(
    [{ partition: {}, offset: null }],
    "alterOffsets refused to delete an offset: nothing else can delete it",
  );
}

/** Stops a task that waits for records. */
export async function checkStops(plugin: SourcePlugin, fixture: SourceFixture, stopMs: number): Promise<void> {
  const run = await SourceRun.start(plugin, fixture.props, NOTHING_STORED);
  run.poll().catch(() => {}); // `stop` awaits it
  await run.stop(stopMs);
}
