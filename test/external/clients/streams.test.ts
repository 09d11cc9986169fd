import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProgramProcess } from "../../support/program-process.js";
import { committedValues, progressOf } from "../../support/topic-progress.js";
import { TopicReader } from "../../support/topic-reader.js";
import { findPeers, installPeers } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import type { ClientRow } from "./client-table.js";
import { expectDocumented } from "./documented.js";
import { InputProducer, type InputRecord } from "./input-producer.js";
import { countsOf, windowOf, wordLine, writtenCounts } from "./word-lines.js";

const { script, missing } = findPeers();
const LINES = 1_600;
const INPUT = ["words", "orders", "customers", "payments"];
const VERSION = "4.3.1";

/** The lines' words, and an order and its payment for each line. */
function inputOf(first: number, end: number): InputRecord[] {
  return Array.from({ length: end - first }, (_, at) => wordLine(first + at)).flatMap((line) => [
    { topic: "words", key: line.key, value: line.words.join(" "), timestampMs: line.timestampMs },
    { topic: "orders", key: line.key, value: "order", timestampMs: line.timestampMs },
    { topic: "payments", key: line.key, value: "payment", timestampMs: line.timestampMs },
  ]);
}

describe.skipIf(missing)("Kafka Streams with exactly_once_v2 on the bundled broker", () => {
  const rows: ClientRow[] = [];
  let broker: BundledBroker;
  let input: InputProducer;
  let folder: string;
  let libraries: string;
  let application: ProgramProcess | undefined;
  beforeAll(async () => {
    libraries = join(await installPeers(script), "libs");
    folder = mkdtempSync(join(tmpdir(), "millrace-streams-"));
    broker = await BundledBroker.start();
    input = new InputProducer(broker.bootstrap);
  });
  afterAll(async () => {
    await application?.kill9();
    await input?.close();
    await broker?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  function start(): void {
    const jars = join(libraries, "*");
    const logging = `-Dlog4j2.configurationFile=${join(dirname(script), "log4j2.properties")}`;
    const source = join(import.meta.dirname, "java", "Streams.java");
    application = new ProgramProcess("Kafka Streams", "java", [
      ...["-Xmx512m", logging, "-cp", jars, source, broker.bootstrap, join(folder, "state")],
    ]);
  }

  const kills: Readonly<Record<string, () => Promise<void>>> = {
    async application() {
      await application!.kill9();
      start();
    },
    broker: () => broker.killAndRestart(),
  };

  test("counts, windows and joins miss nothing and write nothing twice, whatever is killed", async () => {
    await input.createTopics(INPUT, 2);
    const lines = Array.from({ length: LINES }, (_, at) => wordLine(at));
    const customers = lines.map(({ key }) => ({ topic: "customers", key, value: "customer", timestampMs: 1 }));
    await input.write(customers);
    const outputs = ["counts", "windows", "enriched", "paid"];
    const progress = await Promise.all(outputs.map((topic) => progressOf(broker.bootstrap, topic)));
    start();
    let written = 0;
    for (const victim of ["application", "broker", "application", "broker"]) {
      const end = written + LINES / 4;
      await input.write(inputOf(written, end));
      // In the middle of its work: a part of what it writes is there, committed or not.
      await progress[0]!.reached(written * 4 + 200);
      await kills[victim]!();
      written = end;
    }
    const totals: Record<string, number> = { counts: LINES * 4, windows: LINES * 4, enriched: LINES, paid: LINES };
    try {
      for (const topic of outputs)
        await committedValues(broker.bootstrap, topic, (values) => values.length >= totals[topic]!);
    } catch (error) {
      throw new Error(`The application says: ${application!.log}\nThe broker says: ${broker.log}`, { cause: error });
    }
    expect(await application!.stop()).toMatch(/SIGTERM|status 143/);
    const reader = await TopicReader.open(broker.bootstrap, outputs, "read_committed");
    await reader.readToEnd();
    const words = lines.flatMap((line) => line.words);
    const windows = lines.flatMap((line) => line.words.map((word) => `${word}@${windowOf(line)}`));
    expect(writtenCounts(reader.of("counts"))).toEqual(countsOf(words));
    expect(writtenCounts(reader.of("windows"))).toEqual(countsOf(windows));
    const texts = (topic: string) => reader.of(topic).map(({ key, value }) => `${key} ${value}`);
    expect(texts("enriched").sort()).toEqual(lines.map(({ key }) => `${key} order customer`).sort());
    expect(texts("paid").sort()).toEqual(lines.map(({ key }) => `${key} order payment`).sort());
    await reader.close();
    await Promise.all(progress.map((one) => one.close()));
    const steps = [
      "counts, windows, a join with a table and one of two streams under exactly_once_v2",
      "two kills each of the application and of the broker",
    ];
    rows.push({ client: "Kafka Streams", version: VERSION, steps, result: "passes" });
  });

  test("docs/compatibility.md says so", () => expectDocumented(rows));
});
