import { spawn, spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../../support/broker.js";

const KCAT = "kcat";
const hasKcat = spawnSync(KCAT, ["-V"]).status === 0;
if (!hasKcat)
  console.warn("SKIPPED: kcat is not installed, so the bundled broker is not tested with it (apt-get install kcat)");

let broker: TestBroker;
beforeEach(async () => {
  broker = await startTestBroker();
});
afterEach(() => broker.close());

/** Runs kcat; resolves with its output. */
function kcat(args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(KCAT, ["-b", broker.bootstrap, ...args]);
    let output = "";
    let complaints = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      complaints += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`kcat ended with ${code}: ${complaints}`)),
    );
    child.stdin.end(input);
  });
}

const LINES = Array.from({ length: 5000 }, (_, at) => `k${at % 10}:value ${at}`);

describe.runIf(hasKcat)("kcat", () => {
  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "produces with codec %s and consumes its records",
    async (codec) => {
      await kcat(["-P", "-t", "t", "-K:", "-z", codec], `${LINES.join("\n")}\n`);
      const read = await kcat(["-C", "-t", "t", "-o", "beginning", "-e", "-q", "-K:", "-X", "check.crcs=true"]);
      expect(read.trimEnd().split("\n")).toEqual(LINES);
    },
  );

  test.each(["uncompressed", "gzip", "snappy", "lz4", "zstd"])(
    "reads records that the broker recompressed in %s",
    async (type) => {
      await broker.close();
      broker = await startTestBroker({ properties: { "compression.type": type } });
      await kcat(["-P", "-t", "t", "-K:", "-z", type === "zstd" ? "gzip" : "zstd"], `${LINES.join("\n")}\n`);
      const read = await kcat(["-C", "-t", "t", "-o", "beginning", "-e", "-q", "-K:", "-X", "check.crcs=true"]);
      expect(read.trimEnd().split("\n")).toEqual(LINES);
    },
  );

  test("lists topics, and finds offsets by time", async () => {
    await kcat(["-P", "-t", "orders", "-X", "enable.idempotence=true"], "one\ntwo\n");
    const listed = JSON.parse(await kcat(["-L", "-J"])) as { topics: { topic: string }[]; brokers: { name: string }[] };
    expect(listed.topics.map(({ topic }) => topic).sort()).toEqual(["__consumer_offsets", "orders"]);
    expect(listed.brokers.map(({ name }) => name)).toEqual([broker.bootstrap]);
    expect(await kcat(["-Q", "-t", "orders:0:-1"])).toContain("offset 2");
  });

  test("continues in a group at its committed offset", async () => {
    await kcat(["-P", "-t", "t"], "one\ntwo\n");
    const group = ["-G", "readers", "-X", "auto.offset.reset=earliest", "-e", "-q", "t"];
    expect(await kcat(group)).toBe("one\ntwo\n");
    await kcat(["-P", "-t", "t"], "three\n");
    await broker.restart("crash");
    expect(await kcat(group)).toBe("three\n");
  });
});
