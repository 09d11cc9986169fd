import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StackProcesses } from "../../support/stack.js";
import { committedValues, progressOf } from "../../support/topic-progress.js";

const LINES = Array.from({ length: 4_000 }, (_, at) => `line ${at}`);

test("an exactly-once source on the bundled broker, under kills of the worker and of the broker: every line is there once, in order", async () => {
  const stack = await StackProcesses.start({
    "exactly.once.source.support": "enabled",
    "scheduled.rebalance.max.delay.ms": "0",
    "task.shutdown.graceful.timeout.ms": "1000",
  });
  try {
    const file = join(stack.folder, "lines.txt");
    writeFileSync(file, "");
    const topic = "lines";
    let progress = await progressOf(stack.kafka, topic);
    await stack.rest.create("lines", {
      "connector.class": "FileStreamSource",
      "exactly.once.support": "required",
      "transaction.boundary": "interval",
      "transaction.boundary.interval.ms": "200",
      "batch.size": "25",
      file,
      topic,
    });
    let written = 0;
    for (const [victim, share] of [
      ["worker", 1_000],
      ["broker", 2_000],
      ["worker", 3_000],
    ] as const) {
      appendFileSync(file, `${LINES.slice(written, share).join("\n")}\n`);
      await progress.reached(written + 200);
      await progress.close();
      await stack[victim].kill9();
      if (victim === "worker") await stack.startWorker();
      else await stack.startBroker();
      written = share;
      progress = await progressOf(stack.kafka, topic);
      await progress.reached(share);
    }
    appendFileSync(file, `${LINES.slice(written).join("\n")}\nthe end\n`);
    const values = await committedValues(stack.kafka, topic, (read) => read.at(-1) === "the end");
    expect(values).toEqual([...LINES, "the end"]);
    await progress.close();
  } finally {
    await stack.close();
  }
}, 240_000);
