import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProgramProcess } from "../../support/program-process.js";
import { committedValues } from "../../support/topic-progress.js";
import { TopicReader } from "../../support/topic-reader.js";
import { isOnPath } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import { pythonCommand } from "./client-cache.js";
import type { ClientRow } from "./client-table.js";
import { expectDocumented } from "./documented.js";
import { InputProducer } from "./input-producer.js";
import { countsOf, windowOf, wordLine, writtenCounts } from "./word-lines.js";

const VERSION = "0.15.3";
const LINES = 100;
// Its producer sometimes stops sending although the broker has answered every request, also beside Apache Kafka 4.3.1
// (two of three runs there, one of three here): it would hold up the ring.
const wanted = process.env["MILLRACE_FAUST"] === "1";
if (!wanted) console.warn("\n*** Faust on the bundled broker is SKIPPED: MILLRACE_FAUST=1 runs it ***\n");
const RESULT = "passes (`MILLRACE_FAUST=1`), unless its producer stalls, which it does beside Apache Kafka, too";

describe.runIf(wanted)("Faust on the bundled broker", () => {
  const rows: ClientRow[] = [];
  let broker: BundledBroker;
  let input: InputProducer;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-faust-"));
    broker = await BundledBroker.start();
    input = new InputProducer(broker.bootstrap);
  });
  afterAll(async () => {
    await input?.close();
    await broker?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test("its tables and windows go on after a restart where they were", async ({ skip }) => {
    const missing = isOnPath("python3") ? undefined : "python3 not found";
    const packages = [`faust-streaming==${VERSION}`];
    const command = missing ?? (await pythonCommand("faust_app", packages).catch((error: unknown) => String(error)));
    if (typeof command === "string") {
      console.warn(`\n*** Faust on the bundled broker is SKIPPED: ${command} ***\n`);
      return skip(command);
    }
    const [file, ...first] = command;
    await input.createTopics(["faust-words"], 2);
    await input.createTopics(["faust-counts", "faust-windows"], 1);
    const lines = Array.from({ length: 2 * LINES }, (_, at) => wordLine(at));
    for (const half of [lines.slice(0, LINES), lines.slice(LINES)]) {
      const written = half.flatMap(({ words, timestampMs }) =>
        words.map((word) => ({ topic: "faust-words", key: word, value: word, timestampMs })),
      );
      await input.write(written);
      const application = new ProgramProcess("Faust", file, [...first, broker.bootstrap, folder, "worker"]);
      const total = 4 * (half[0] === lines[0] ? LINES : 2 * LINES);
      for (const topic of ["faust-counts", "faust-windows"]) {
        const ready = committedValues(broker.bootstrap, topic, (values) => values.length >= total);
        const ended = application.exited.then((how) => {
          throw new Error(`Faust ended with ${how}:\n${application.log}`);
        });
        ended.catch(() => undefined);
        await Promise.race([ready, ended]);
      }
      expect(await application.stop()).toBe("status 0");
    }
    const reader = await TopicReader.open(broker.bootstrap, ["faust-counts", "faust-windows"], "read_uncommitted");
    await reader.readToEnd();
    const windows = lines.flatMap((line) => line.words.map((word) => `${word}@${windowOf(line) / 1000}`));
    expect(writtenCounts(reader.of("faust-counts"))).toEqual(countsOf(lines.flatMap(({ words }) => words)));
    expect(writtenCounts(reader.of("faust-windows"))).toEqual(countsOf(windows));
    await reader.close();
    const steps = [
      "an agent with a table and tumbling windows",
      "a restart that reads the tables from their changelogs",
    ];
    rows.push({ client: "Faust (faust-streaming)", version: VERSION, steps, result: RESULT });
  });

  test("docs/compatibility.md says so", () => expectDocumented(rows));
});
