import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TopicReader } from "../../support/topic-reader.js";
import { BundledBroker } from "./bundled-broker.js";
import { type Command, javaLibraries, pythonCommand } from "./client-cache.js";
import { runClient } from "./client-program.js";
import type { ClientRow } from "./client-table.js";
import { expectDocumented } from "./documented.js";
import { InputProducer } from "./input-producer.js";
import { wordLine } from "./word-lines.js";

const wanted = process.env["MILLRACE_PYSPARK"] === "1";
if (!wanted)
  console.warn(
    "\n*** PySpark on the bundled broker is SKIPPED: its packages are 500 MB; MILLRACE_PYSPARK=1 runs it ***\n",
  );
const LINES = 100;

describe.runIf(wanted)("PySpark structured streaming on the bundled broker", () => {
  const rows: ClientRow[] = [];
  let broker: BundledBroker;
  let input: InputProducer;
  let folder: string;
  let command: Command;
  let jars: string;
  beforeAll(async () => {
    command = await pythonCommand("spark_app", ["pyspark==4.2.0"]);
    jars = await javaLibraries("spark");
    folder = mkdtempSync(join(tmpdir(), "millrace-spark-"));
    broker = await BundledBroker.start();
    input = new InputProducer(broker.bootstrap);
  }, 900_000);
  afterAll(async () => {
    await input?.close();
    await broker?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test("a job goes on at its checkpoints: nothing is missing, nothing is there twice", async () => {
    await input.createTopics(["spark-lines", "spark-copies", "spark-counts"], 2);
    const lines = Array.from({ length: 2 * LINES }, (_, at) => wordLine(at));
    let version = "";
    for (const half of [lines.slice(0, LINES), lines.slice(LINES)]) {
      const records = half.map(({ key, words, timestampMs }) => ({ key, value: words.join(" "), timestampMs }));
      await input.write(records.map((record) => ({ topic: "spark-lines", ...record })));
      const { row, failure } = await runClient("PySpark", command, [broker.bootstrap, folder, jars]);
      expect(failure).toBeUndefined();
      version = row.version;
    }
    const reader = await TopicReader.open(broker.bootstrap, ["spark-copies", "spark-counts"], "read_committed");
    await reader.readToEnd();
    const copies = reader.of("spark-copies").map(({ key, value }) => `${key} ${value}`);
    expect(copies.sort()).toEqual(lines.map(({ key, words }) => `${key} ${words.join(" ")}`).sort());
    const last = new Map(reader.of("spark-counts").map(({ key, value }) => [key, Number(value)]));
    const expected = new Map<string, number>();
    for (const word of lines.flatMap(({ words }) => words)) expected.set(word, (expected.get(word) ?? 0) + 1);
    expect(last).toEqual(expected);
    await reader.close();
    const steps = ["structured streaming with checkpoints: a copy and a count", "a second run that goes on at them"];
    const result = `passes (\`MILLRACE_PYSPARK=1\`, run on ${new Date().toISOString().slice(0, 10)})`;
    rows.push({ client: "PySpark", version, steps, result });
  });

  test("docs/compatibility.md says so", () => expectDocumented(rows));
});
