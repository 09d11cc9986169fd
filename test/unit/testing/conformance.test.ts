import { describe, expect, test } from "vitest";
import {
  type ConfigDef,
  nonEmpty,
  type Props,
  parseConfig,
  RetriableError,
  type SinkPlugin,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type SourceConnector,
  type SourceOffset,
  type SourcePlugin,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  STRING,
  type TopicPartitionOffset,
} from "../../../src/api/index.js";
import { deferred } from "../../../src/base/deferred.js";
import { type ConformanceCheck, conformance } from "../../../src/testing/index.js";

// Plugins in memory, each with one fault that one check has to find.

interface ConnectorFaults {
  readonly config?: ConfigDef;
  readonly start?: (props: Props) => void;
  readonly alterOffsets?: NonNullable<SourceConnector["alterOffsets"]>;
}

const CONFIG = { place: { type: "string", doc: "Where.", check: nonEmpty } } as const satisfies ConfigDef;

const connectorOf = ({ config = CONFIG, start = (props) => void parseConfig(CONFIG, props) }: ConnectorFaults) => {
  let kept: Props = {};
  return {
    config,
    start: async (_context: unknown, props: Props) => {
      start(props);
      kept = props;
    },
    taskConfigs: async () => [{ ...kept }],
    stop: async () => {},
  };
};

/** Numbers that the test lets appear. */
class Numbers implements SourceTask {
  at = 0;
  context!: SourceTaskContext;
  grown = deferred();

  constructor(readonly source: { count: number; tell: (() => void)[] }) {}

  async start(context: SourceTaskContext): Promise<void> {
    this.context = context;
    const [stored] = await context.readOffsets([{ source: "numbers" }]);
    this.at = Number(stored?.offset?.["at"] ?? 0);
    this.source.tell.push(() => this.grown.resolve());
    context.stopping.addEventListener("abort", () => this.grown.resolve());
  }

  async poll(): Promise<readonly SourceRecord[] | null> {
    while (this.at >= this.source.count && !this.context.stopping.aborted) {
      this.grown = deferred();
      await this.grown.promise;
    }
    const records: SourceRecord[] = [];
    while (this.at < this.source.count) {
      this.at++;
      records.push(
        new SourceRecord({ source: "numbers" }, { at: this.at }, "t", null, null, null, STRING, `${this.at}`),
      );
    }
    return records;
  }

  async stop(): Promise<void> {}
}

function sourceChecks(
  make: (source: Numbers["source"]) => SourceTask = (source) => new Numbers(source),
  faults: ConnectorFaults = {},
): readonly ConformanceCheck[] {
  let source: Numbers["source"];
  const plugin: SourcePlugin = {
    type: "source",
    className: "test.Source",
    taskClassName: "test.SourceTask",
    version: "1",
    connector: () => ({
      ...connectorOf(faults),
      ...(faults.alterOffsets && { alterOffsets: faults.alterOffsets }),
    }),
    task: async () => make(source),
  };
  return conformance(plugin, async () => {
    source = { count: 0, tell: [] };
    const grow = async (count: number) => {
      source.count += count;
      for (const tell of source.tell) tell();
    };
    return { props: { place: "here" }, refused: { place: null }, grow };
  });
}

/** Writes to memory, at once. */
class Memory implements SinkTask {
  context!: SinkTaskContext;
  constructor(readonly place: string[]) {}
  async start(context: SinkTaskContext): Promise<void> {
    this.context = context;
  }
  async open(): Promise<void> {}
  async put(records: readonly SinkRecord[]): Promise<void> {
    this.place.push(...records.map(({ value }) => String(value)));
  }
  async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    return current;
  }
  async close(): Promise<void> {}
  async stop(): Promise<void> {}
}

function sinkChecks(make: (place: string[]) => SinkTask, stopWithinMs = 1000): readonly ConformanceCheck[] {
  let place: string[];
  const plugin: SinkPlugin = {
    type: "sink",
    className: "test.Sink",
    taskClassName: "test.SinkTask",
    version: "1",
    connector: () => connectorOf({}),
    task: async () => make(place),
  };
  return conformance(plugin, async () => {
    place = [];
    return { props: { place: "here" }, refused: { place: "" }, stopWithinMs, delivered: async () => place };
  });
}

/** The messages of the checks that fail, one check after the other: they share the plugin's place. */
async function failures(checks: readonly ConformanceCheck[]): Promise<string[]> {
  const found: string[] = [];
  for (const { run } of checks) await run().catch((error: Error) => found.push(error.message));
  return found;
}

describe("a source", () => {
  test("that does all it must passes", async () => {
    expect(await failures(sourceChecks())).toEqual([]);
  });

  test("that ignores its stored offset is found out", async () => {
    class Forgetful extends Numbers {
      override async start(context: SourceTaskContext): Promise<void> {
        await super.start(context);
        this.at = 0;
      }
    }
    expect(await failures(sourceChecks((source) => new Forgetful(source)))).toEqual([
      expect.stringMatching(/^After the stored offset came .*"at":1.* instead of .*"at":3/),
    ]);
  });

  test("that refuses its own offsets, or to delete one, is found out", async () => {
    const altering = (alterOffsets: ConnectorFaults["alterOffsets"]) =>
      failures(sourceChecks(undefined, { ...(alterOffsets && { alterOffsets }) }));
    expect(await altering(async () => true)).toEqual([]);
    const refused = async () => {
      throw new Error("no");
    };
    expect(await altering(refused)).toEqual(["alterOffsets refused an offset of the task's own"]);
    const demanding = async (_props: Props, offsets: readonly SourceOffset[]) => {
      if (offsets.some(({ offset }) => offset === null)) throw new Error("no");
      return true;
    };
    expect(await altering(demanding)).toEqual(["alterOffsets refused to delete an offset: nothing else can delete it"]);
  });

  test("whose poll fails with a RetriableError is polled again", async () => {
    class Shaky extends Numbers {
      shakes = 1;
      override async poll(): Promise<readonly SourceRecord[] | null> {
        if (this.shakes-- > 0) throw new RetriableError("PLUGIN_SHAKY", "not yet");
        return super.poll();
      }
    }
    expect(await failures(sourceChecks((source) => new Shaky(source)))).toEqual([]);
  });

  test("whose connector takes a bad configuration, or refuses it without its key, is found out", async () => {
    const lax = sourceChecks(undefined, { config: {}, start: () => {} });
    expect(await failures(lax)).toEqual(["The connector took a wrong place"]);
    const vague = sourceChecks(undefined, {
      config: {},
      start: (props) => {
        if (!props["place"]) throw new Error("bad configuration");
      },
    });
    expect(await failures(vague)).toEqual([expect.stringContaining("does not name the key")]);
  });
});

describe("a sink", () => {
  test("that does all it must passes", async () => {
    expect(await failures(sinkChecks((place) => new Memory(place)))).toEqual([]);
  });

  test("that returns offsets of what it still holds is found out (I2)", async () => {
    class Hasty extends Memory {
      readonly held: SinkRecord[] = [];
      override async put(records: readonly SinkRecord[]): Promise<void> {
        this.held.push(...records);
      }
      override async close(): Promise<void> {
        await super.put(this.held);
      }
    }
    const found = await failures(sinkChecks((place) => new Hasty(place)));
    expect(found).toEqual(
      [3, 6, 1].map((offset) => `preCommit returned offset ${offset}, but record-0 is not at the destination`),
    );
  });

  test("that leaves out what it has been given before loses it in a crash, and is found out", async () => {
    const seen = new Set<string>();
    class Deduplicating extends Memory {
      readonly held: SinkRecord[] = [];
      override async put(records: readonly SinkRecord[]): Promise<void> {
        for (const record of records) {
          if (!seen.has(String(record.value))) this.held.push(record);
          seen.add(String(record.value));
        }
      }
      override async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
        await super.put(this.held.splice(0));
        return current;
      }
    }
    const checks = sinkChecks((place) => new Deduplicating(place)).filter(({ name }) => name.includes("crash"));
    expect(await failures(checks)).toEqual(["preCommit returned offset 6, but record-0 is not at the destination"]);
  });

  test("that never stops is found out", async () => {
    class Stubborn extends Memory {
      override async stop(): Promise<void> {
        await new Promise(() => {});
      }
    }
    const checks = sinkChecks((place) => new Stubborn(place), 50).filter(({ name }) => name.includes(" stops"));
    expect(await failures(checks)).toEqual(["Stopping (preCommit, close, stop) took longer than 50 ms"]);
  });

  test("is handed the same batch again after a RetriableError", async () => {
    class Shaky extends Memory {
      shakes = 1;
      override async put(records: readonly SinkRecord[]): Promise<void> {
        if (this.shakes-- > 0) throw new RetriableError("PLUGIN_SHAKY", "not yet");
        await super.put(records);
      }
    }
    expect(await failures(sinkChecks((place) => new Shaky(place)))).toEqual([]);
  });
});
