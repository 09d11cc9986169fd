import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
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
        // A killed worker's sink leaves its group after that.
        "consumer.session.timeout.ms=6000",
        `listeners=http://127.0.0.1:${await freePort()}`,
        "",
      ].join("\n"),
    );
    writeFileSync(source, `name=in\nconnector.class=FileStreamSource\nfile=${from}\ntopic=lines\n`);
    writeFileSync(
      sink,
      JSON.stringify({ name: "out", config: { "connector.class": "FileStreamSink", file: to, topics: "lines" } }),
    );

    const end = async (worker: ProgramProcess, turn: number) => {
      if (worker instanceof MillraceProcess) return worker.stop();
      // Not by SIGTERM: in one of fifty runs Kafka Connect's REST server waits for itself for ever, and the JVM stays.
      await fileText(join(folder, "connect.offsets"), (text) => text.includes(`"position":${2 * turn + 2}`));
      await sinkReached(turn + 1);
      return worker.kill9();
    };
    for (const [turn, start] of [java, ours, java, ours].entries()) {
      appendFileSync(from, `${turn}\n`);
      const worker = start(files);
      onTestFailed(() => console.error(`Turn ${turn}:\n${worker.log}`));
      const failed = worker.exited.then((how) => {
        throw new Error(`The worker of turn ${turn} ended with ${how} before the sink had its line:\n${worker.log}`);
      });
      await Promise.race([fileText(to, (text) => text.endsWith(`${turn}\n`)), failed]);
      failed.catch(() => {});
      await end(worker, turn);
    }
    expect(await fileText(to, () => true)).toBe("0\n1\n2\n3\n");
  });

  /** Resolves once the sink's group has committed `offset`. */
  async function sinkReached(offset: number): Promise<void> {
    const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      for (let committed = -1; committed < offset; ) {
        const [lines] = await admin.fetchOffsets({ groupId: "connect-out", topics: ["lines"] });
        committed = Number(lines!.partitions[0]!.offset);
      }
    } finally {
      await admin.disconnect();
    }
  }

  /** The starter becomes the JVM, so a signal reaches it. */
  function java(files: readonly string[]): ProgramProcess {
    const args = ["tool", "org.apache.kafka.connect.cli.ConnectStandalone", ...files];
    return new ProgramProcess("the real worker", script, args, { env: peers.environment });
  }

  function ours(files: readonly string[]): ProgramProcess {
    return new MillraceProcess(["standalone", ...files]);
  }
});
