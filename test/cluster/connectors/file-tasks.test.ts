import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import plugins from "../../../connectors/file/index.js";
import {
  ArrayStruct,
  ConfigError,
  INT32,
  type Logger,
  SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type SourceMap,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  STRING,
  structOf,
} from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { StringConverter } from "../../../src/converters/string-converter.js";

const [source, sink] = plugins;
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-file-"));
  path = join(folder, "lines.txt");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const basics = (clock: SimClock) => ({
  connectorName: "lines",
  taskId: 0,
  clock,
  random: new SeededRandom(1),
  logger: silentLogger,
  stopping: new AbortController().signal,
  converter: () => new StringConverter(),
});

describe("the file source", () => {
  /** A started task that reports its reasons to wait, and whose pauses end at once. */
  async function started(
    props: Record<string, string> = {},
    offset: SourceMap | null = null,
    logger: Logger = silentLogger,
  ) {
    const waits: (string | null)[] = [];
    const clock = new SimClock();
    const context: SourceTaskContext = {
      ...basics(clock),
      logger,
      waitingFor: (reason) => waits.push(reason),
      readOffsets: async (partitions) => partitions.map((partition) => ({ partition, offset })),
      openTopic: () => {
        throw new Error("no topic is read");
      },
      requestCommit: () => undefined,
    };
    if (source?.type !== "source") throw new Error("The first plugin is the source");
    const task = await source.task();
    await task.start(context, { file: path, topic: "t", ...props });
    return { task, waits, clock };
  }

  /** Polls once, skipping the task's pauses. */
  async function poll({ task, clock }: { task: SourceTask; clock: SimClock }): Promise<readonly SourceRecord[]> {
    const delayed = clock.delay.bind(clock);
    clock.delay = async (delayMs, signal) => {
      const pause = delayed(delayMs, signal);
      await clock.advance(delayMs);
      await pause;
    };
    return (await task.poll()) ?? [];
  }
  const texts = (records: readonly SourceRecord[]) => records.map(({ value }) => value);

  test("complete lines are records with the position after them, an incomplete one waits", async () => {
    writeFileSync(path, "één\ntwee\ndr");
    const running = await started();
    const records = await poll(running);
    expect(records.map(({ value, sourceOffset }) => [value, sourceOffset["position"]])).toEqual([
      ["één", 6],
      ["twee", 11],
    ]);
    expect(records[0]).toMatchObject({
      topic: "t",
      partition: null,
      key: null,
      valueSchema: STRING,
      sourcePartition: { filename: path },
    });
    expect(await poll(running)).toEqual([]);
    appendFileSync(path, "ie\n");
    expect(texts(await poll(running))).toEqual(["drie"]);
    await running.task.stop();
  });

  test("it continues at the stored position, also after characters of several bytes", async () => {
    writeFileSync(path, "één\ntwee\n");
    const running = await started({}, { position: 6 });
    expect(texts(await poll(running))).toEqual(["twee"]);
    await running.task.stop();
  });

  test("every line arrives when batch.size cuts a read into batches, without the file growing", async () => {
    writeFileSync(path, Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(""));
    const running = await started({ "batch.size": "100" });
    const seen: unknown[] = [];
    for (let polls = 0; polls < 100 && seen.length < 5000; polls++) {
      const records = await poll(running);
      expect(records.length).toBeLessThanOrEqual(100);
      seen.push(...texts(records));
    }
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => `line ${i}`));
    expect(running.clock.nowMs()).toBe(new SimClock().nowMs());
    await running.task.stop();
  });

  test("it waits for a missing file, naming it, and reads it once it exists", async () => {
    const running = await started();
    expect(await poll(running)).toEqual([]);
    expect(running.waits).toEqual([`file ${path} to be created`]);
    writeFileSync(path, "here\n");
    expect(texts(await poll(running))).toEqual(["here"]);
    expect(running.waits.at(-1)).toBeNull();
    await running.task.stop();
  });

  test("a truncated file is read from its beginning", async () => {
    writeFileSync(path, "one\ntwo\n");
    const running = await started();
    expect(texts(await poll(running))).toEqual(["one", "two"]);
    writeFileSync(path, "new\n");
    expect(await poll(running)).toEqual([]);
    const [record] = await poll(running);
    expect([record?.value, record?.sourceOffset["position"]]).toEqual(["new", 4]);
    await running.task.stop();
  });

  test("a replaced file is finished first, with its last line even if incomplete", async () => {
    writeFileSync(path, "one\ntw");
    const running = await started();
    expect(texts(await poll(running))).toEqual(["one"]);
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, "o\nlast");
    writeFileSync(path, "a much longer line than all of the old file had\n");
    expect(texts(await poll(running))).toEqual(["two"]);
    expect(texts(await poll(running))).toEqual(["last"]);
    expect(texts(await poll(running))).toEqual(["a much longer line than all of the old file had"]);
    await running.task.stop();
  });

  describe("rotated while nobody reads", () => {
    const OLD = Array.from({ length: 200 }, (_, i) => `old ${i}\n`).join("");
    const NEW = Array.from({ length: 400 }, (_, i) => `new ${i}\n`);

    /** All texts until nothing more comes, and the last offset. */
    async function rest(offset: SourceMap | null) {
      const running = await started({}, offset);
      const seen: unknown[] = [];
      let last = offset;
      for (let idle = 0; idle < 3; ) {
        const records = await poll(running);
        idle = records.length === 0 ? idle + 1 : 0;
        seen.push(...texts(records));
        last = records.at(-1)?.sourceOffset ?? last;
      }
      await running.task.stop();
      return { seen, last };
    }

    const ways: [string, (extra: string) => void][] = [
      [
        "renamed",
        (extra) => {
          appendFileSync(path, extra);
          renameSync(path, `${path}.1`);
          writeFileSync(path, NEW.join(""));
        },
      ],
      [
        "copied and cut short",
        (extra) => {
          appendFileSync(path, extra);
          copyFileSync(path, `${path}-copy`);
          truncateSync(path);
          appendFileSync(path, NEW.join(""));
        },
      ],
    ];
    test.each(ways)("%s: the rest of the old file arrives, and all of the new one", async (_name, rotate) => {
      writeFileSync(path, OLD);
      const first = await rest(null);
      expect(first.seen).toHaveLength(200);
      rotate("old end\n");
      const second = await rest(first.last);
      expect(second.seen).toEqual(["old end", ...NEW.map((line) => line.trim())]);
      expect(await rest(second.last)).toEqual({ seen: [], last: second.last });
    });

    test("and removed: the new one is read from its beginning, though it is longer", async () => {
      writeFileSync(path, "old\n");
      const { last } = await rest(null);
      rmSync(path);
      writeFileSync(path, NEW.join(""));
      expect((await rest(last)).seen).toEqual(NEW.map((line) => line.trim()));
    });

    test("a file that begins like it is not taken for it", async () => {
      writeFileSync(path, "header\nold\n");
      const { last } = await rest(null);
      writeFileSync(join(folder, "other.txt"), "header\nold\nforeign\n");
      rmSync(path);
      writeFileSync(path, "header\nnew line\n");
      expect((await rest(last)).seen).toEqual(["header", "new line"]);
    });

    test("a file that moved to another disk goes on", async () => {
      writeFileSync(path, OLD);
      const { last } = await rest(null);
      const content = readFileSync(path);
      writeFileSync(`${path}.new`, content);
      rmSync(path);
      renameSync(`${path}.new`, path);
      appendFileSync(path, "more\n");
      expect((await rest(last)).seen).toEqual(["more"]);
    });
  });

  test("a file that is copied and written anew between two looks loses nothing", async () => {
    writeFileSync(path, "one\n");
    const running = await started();
    expect(texts(await poll(running))).toEqual(["one"]);
    appendFileSync(path, "two\n");
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
    appendFileSync(path, "a much longer line than all of the old file had\n");
    const seen: unknown[] = [];
    while (seen.length < 2) seen.push(...texts(await poll(running)));
    expect(seen).toEqual(["two", "a much longer line than all of the old file had"]);
    await running.task.stop();
  });

  test("lines are read in the configured encoding", async () => {
    writeFileSync(path, Buffer.from("caf\xe9\n", "latin1"));
    const running = await started({ encoding: "ISO-8859-1" });
    expect(texts(await poll(running))).toEqual(["café"]);
    await running.task.stop();
  });

  test("malformed bytes are replaced and reported, or fail the task at their line", async () => {
    writeFileSync(path, Buffer.from("good\ncaf\xe9\nmore\n", "latin1"));
    const warnings: string[] = [];
    const logger = {
      ...silentLogger,
      warn: (text: string, fields?: object) => warnings.push(`${text} ${JSON.stringify(fields)}`),
    };
    const replacing = await started({}, null, logger);
    expect(texts(await poll(replacing))).toEqual(["good", "caf\ufffd", "more"]);
    expect(warnings).toEqual([expect.stringMatching(/U\+FFFD .*"firstLineAtByte":5,"lines":1/)]);
    await replacing.task.stop();
    const failing = await started({ "malformed.input": "fail" });
    expect(texts(await poll(failing))).toEqual(["good"]);
    await expect(failing.task.poll()).rejects.toThrow(/line at byte 5 of .*lines\.txt is not UTF-8/);
    await failing.task.stop();
  });

  test("a line without an end fails the task at its limit, after the lines before it", async () => {
    writeFileSync(path, `good\n${"x".repeat(200_000)}`);
    const running = await started({ "line.max.bytes": "100000" });
    expect(texts(await poll(running))).toEqual(["good"]);
    await expect(running.task.poll()).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringMatching(/line at byte 5 has more than 100000 bytes/),
    });
    await running.task.stop();
  });

  test("a line longer than a single read arrives whole", async () => {
    writeFileSync(path, `${"é".repeat(200_000)}\n`);
    const running = await started();
    expect(texts(await poll(running))).toEqual(["é".repeat(200_000)]);
    await running.task.stop();
  });

  test("a stored offset that is not a position is refused, and so is a folder", async () => {
    await expect(started({}, { position: "x" })).rejects.toThrow("Offset position is the incorrect type");
    const running = await started({ file: folder });
    await expect(running.task.poll()).rejects.toThrow(ConfigError);
    await running.task.stop();
  });

  test("one task, for any tasks.max", async () => {
    const connector = source?.connector();
    const context = {
      ...basics(new SimClock()),
      requestTaskReconfiguration: () => undefined,
      reportRetention: () => undefined,
      raiseError: () => undefined,
    };
    await connector?.start(context, { file: path, topic: "t" });
    expect(await connector?.taskConfigs(5)).toEqual([{ file: path, topic: "t" }]);
    await expect(connector?.start(context, { file: path })).rejects.toThrow("topic");
  });
});

describe("the file sink", () => {
  async function started(): Promise<SinkTask> {
    const context: SinkTaskContext = {
      ...basics(new SimClock()),
      waitingFor: () => undefined,
      assignment: () => [],
      seek: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      requestCommit: () => undefined,
      commitTimeoutMs: 5000,
      retryAfter: () => undefined,
      reportErrant: undefined,
    };
    if (sink?.type !== "sink") throw new Error("The second plugin is the sink");
    const task = await sink.task();
    await task.start(context, { file: path });
    return task;
  }
  const record = (value: SinkRecord["value"], valueSchema: SinkRecord["valueSchema"] = null) =>
    new SinkRecord("t", 0, null, null, valueSchema, value, 0, null, "CreateTime");

  test("appends a line for each value and returns the offsets as safe", async () => {
    writeFileSync(path, "there\n");
    const task = await started();
    const row = structOf([["a", INT32]]);
    await task.put([record("één"), record(null), record(new ArrayStruct(row, [1]), row)]);
    await task.put([]);
    const offsets = [{ topic: "t", partition: 0, offset: 3 }];
    expect(await task.preCommit(offsets)).toBe(offsets);
    expect(readFileSync(path, "utf8")).toBe("there\néén\nnull\nStruct{a=1}\n");
    await task.stop();
  });

  test("a file that cannot be created is refused by name", async () => {
    path = join(folder, "no", "such", "folder");
    await expect(started()).rejects.toThrow(`Couldn't find or create file '${path}'`);
  });

  test.skipIf(!existsSync("/dev/full"))("a full disk is reported with the file's name", async () => {
    path = "/dev/full";
    const task = await started();
    await expect(task.put([record("a")])).rejects.toMatchObject({
      name: "ConfigError",
      key: "file",
      message: expect.stringContaining("Writing to file '/dev/full' failed: ENOSPC"),
    });
    await task.stop();
  });
});
