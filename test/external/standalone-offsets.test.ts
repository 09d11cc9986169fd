import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { fileText } from "../support/file-watch.js";
import { MillraceProcess } from "../support/millrace-process.js";
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

    const turns = [java, ours, java, ours];
    for (const [turn, start] of turns.entries()) {
      appendFileSync(from, `${turn}\n`);
      const stop = start(files);
      await fileText(to, (text) => text.endsWith(`${turn}\n`));
      await stop();
    }
    expect(await fileText(to, () => true)).toBe("0\n1\n2\n3\n");
  });

  /** Starts the real worker. Returns its stop by SIGTERM, after which it has stored its offsets. */
  function java(files: readonly string[]): () => Promise<void> {
    const running = spawn(script, ["tool", "org.apache.kafka.connect.cli.ConnectStandalone", ...files], {
      env: peers.environment,
      stdio: "ignore",
      detached: true,
    });
    const ended = new Promise<void>((resolve) => running.once("exit", () => resolve()));
    return async () => {
      // The whole group: the starter may be the JVM's parent.
      process.kill(-running.pid!, "SIGTERM");
      await ended;
    };
  }

  function ours(files: readonly string[]): () => Promise<void> {
    const running = new MillraceProcess(["standalone", ...files], { MILLRACE_LOG_LEVEL: "error" });
    return async () => void (await running.stop());
  }
});
