import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isOnPath } from "../peers.js";
import { BundledBroker } from "./bundled-broker.js";
import type { ClientRow } from "./client-table.js";
import { expectDocumented } from "./documented.js";

const run = promisify(execFile);
const missing = !isOnPath("kcat");
if (missing) console.warn("\n*** kcat on the bundled broker is SKIPPED: kcat not found ***\n");
const LINES = Array.from({ length: 300 }, (_, at) => `k${at}:value ${at}`);

describe.skipIf(missing)("kcat on the bundled broker", () => {
  const rows: ClientRow[] = [];
  let broker: BundledBroker;
  beforeAll(async () => {
    broker = await BundledBroker.start();
  });
  afterAll(() => broker?.stop());

  async function kcat(args: readonly string[], input = ""): Promise<string> {
    const running = run("kcat", ["-b", broker.bootstrap, ...args], { timeout: 60_000 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  test("it lists, produces and consumes, with keys, headers, each codec and a group", async () => {
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      const topic = `kcat-${codec}`;
      const produce = ["-P", "-t", topic, "-K:", "-z", codec, "-H", "origin=kcat", "-X", "enable.idempotence=true"];
      await kcat(produce, `${LINES.join("\n")}\n`);
      const consume = ["-C", "-t", topic, "-e", "-q", "-f", "%k:%s %h\n", "-X", "check.crcs=true"];
      const expected = LINES.map((line) => `${line} origin=kcat`);
      expect((await kcat(consume)).trimEnd().split("\n")).toEqual(expected);
    }
    expect(await kcat(["-L", "-t", "kcat-none"])).toMatch(/topic "kcat-none" with 1 partitions/);
    const group = ["-G", "readers", "-X", "auto.offset.reset=earliest", "-e", "-q", "kcat-none"];
    expect((await kcat(group)).trimEnd().split("\n")).toHaveLength(300);
    await kcat(["-P", "-t", "kcat-none"], "more\n");
    expect(await kcat(group)).toBe("more\n");
    const [, version = ""] = /Version (\S+)/.exec((await run("kcat", ["-V"])).stdout) ?? [];
    const steps = ["topics listed", "produce and consume with keys, headers and each codec", "a group with commits"];
    rows.push({ client: "kcat", version, steps, result: "passes" });
  });

  test("docs/compatibility.md says so", () => expectDocumented(rows));
});
