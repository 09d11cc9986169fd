import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { fileText } from "../support/file-watch.js";
import { MillraceProcess } from "../support/millrace-process.js";
import { ProgramProcess } from "../support/program-process.js";
import { findPeers, freePort, Peers } from "./peers.js";

const { script, missing } = findPeers();
const STRING = "org.apache.kafka.connect.storage.StringConverter";

/** One offset file and one command line, by turns in the hands of the real standalone worker and of ours. */
describe.skipIf(missing)("the real standalone worker and ours with the same offset file", () => {
  let broker: TestBroker;
  let peers: Peers;
  let folder: string;

  beforeAll(async () => {
    broker = await startTestBroker({ properties: { "group.initial.rebalance.delay.ms": "0" } });
    peers = await Peers.prepare(script, { PEER_BOOTSTRAP: broker.bootstrap });
    folder = mkdtempSync(join(tmpdir(), "millrace-standalone-"));
  });
  afterAll(async () => {
    await peers?.stop();
    await broker?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test("go on where the other was, with nothing twice", async () => {
    const [from, to] = [join(folder, "from.txt"), join(folder, "to.txt")];
    const files = [join(folder, "worker.properties"), join(folder, "in.properties"), join(folder, "out.json")] as const;
    const [worker, source, sink] = files;
    writeFileSync(
      worker,
      [
        `bootstrap.servers=${broker.bootstrap}`,
        `key.converter=${STRING}`,
        `value.converter=${STRING}`,
        `offset.storage.file.filename=${join(folder, "connect.offsets")}`,
        "offset.flush.interval.ms=500",
        `listeners=http://127.0.0.1:${await freePort()}`,
        "",
      ].join("\n"),
    );
    writeFileSync(source, `name=in\nconnector.class=FileStreamSource\nfile=${from}\ntopic=lines\n`);
    writeFileSync(
      sink,
      JSON.stringify({ name: "out", config: { "connector.class": "FileStreamSink", file: to, topics: "lines" } }),
    );

    for (const [turn, start] of [java, ours, java, ours].entries()) {
      appendFileSync(from, `${turn}\n`);
      const worker = start(files);
      onTestFailed(() => console.error(`Turn ${turn}:\n${worker.log}`));
      const failed = worker.exited.then((how) => {
        throw new Error(`The worker of turn ${turn} ended with ${how} before the sink had its line:\n${worker.log}`);
      });
      await Promise.race([fileText(to, (text) => text.endsWith(`${turn}\n`)), failed]);
      failed.catch(() => {});
      await worker.stop();
    }
    expect(await fileText(to, () => true)).toBe("0\n1\n2\n3\n");
  });

  /** The starter becomes the JVM, so a SIGTERM reaches it, and it ends when it has stored its offsets. */
  function java(files: readonly string[]): ProgramProcess {
    const args = ["tool", "org.apache.kafka.connect.cli.ConnectStandalone", ...files];
    return new ProgramProcess("the real worker", script, args, { env: peers.environment });
  }

  function ours(files: readonly string[]): ProgramProcess {
    return new MillraceProcess(["standalone", ...files]);
  }
});
