import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runExport as runExportCommand } from "../../../src/app/stack-commands.js";
import { deferred } from "../../../src/base/deferred.js";
import { create, useExportPair } from "../../support/export-pair.js";
import { recordOf, send } from "../../support/export-run.js";
import { MillraceProcess } from "../../support/millrace-process.js";

const pair = useExportPair();

describe("millrace broker export", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-export-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = async (...args: string[]) => {
    const exported = new MillraceProcess(["broker", "export", ...args], { MILLRACE_LOG_LEVEL: "error" });
    return { status: await exported.exited, lines: exported.log };
  };

  test("prints the report, and its exit code says whether all was carried", async () => {
    await create(pair.from, "orders");
    await send(pair.from, [recordOf("orders", 0, "k", "v")]);
    const both = ["--from", pair.source.bootstrap, "--to", pair.target.bootstrap];
    const first = await run(...both, "--topics", "orders", "--replication-factor", "1");
    expect(first.lines).toContain("topic orders: 1 partitions, 1 records, offsets kept");
    expect(first.status).toBe("status 0");
    const second = await run(...both);
    expect(second.lines).toContain(
      "export: 0 topics, 0 records, 0 offsets of 0 groups, 0 ACLs: INCOMPLETE, 1 findings",
    );
    expect(second.status).toBe("status 3");
  });

  test("says that it was stopped while a server was silent", async () => {
    const stop = deferred<string>();
    const silent = createServer(() => stop.resolve("SIGINT"));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const reported: string[] = [];
    const host = {
      env: {},
      print: () => {},
      report: (line: string) => void reported.push(line),
      stopRequested: stop.promise,
    };
    const { port } = silent.address() as AddressInfo;
    const options = { from: pair.source.bootstrap, to: `127.0.0.1:${port}`, keepOffsets: true };
    expect(await runExportCommand(options, host)).toBe(2);
    expect(reported).toEqual(["millrace: stopped by SIGINT"]);
    silent.close();
  });

  test("names a file or a server that is wrong", async () => {
    const file = join(folder, "to.properties");
    writeFileSync(file, "sasl.mechanism=NONSENSE\nsecurity.protocol=SASL_PLAINTEXT\n");
    const bad = await run("--from", pair.source.bootstrap, "--to", pair.target.bootstrap, "--to-config", file);
    expect(bad.lines).toMatch(/^millrace: Invalid value NONSENSE for configuration sasl.mechanism/);
    expect(bad.status).toBe("status 1");
    const gone = await run("--from", pair.source.bootstrap, "--to", "127.0.0.1:1");
    expect(gone.lines).toMatch(/^millrace: The Kafka of --to cannot .*=127.0.0.1:1 answered.* needs: --to-config FILE/);
    expect(gone.status).toBe("status 2");
    const absent = await run("--from", "127.0.0.1:1", "--to", pair.target.bootstrap);
    expect(absent.lines).toMatch(/^millrace: The Kafka of --from cannot .* needs: --from-config FILE/);
  });
});
