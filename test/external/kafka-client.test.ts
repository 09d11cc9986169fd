import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, kafkaClientSuite, newTopic, record } from "../support/kafka-client-suite.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();

describe.skipIf(missing)("the client on Apache Kafka", () => {
  let peers: Peers;
  beforeAll(async () => {
    peers = await Peers.prepare(script);
    await peers.startKafka();
  });
  afterAll(async () => {
    await peers?.stop();
  });

  kafkaClientSuite(() => peers.bootstrap);

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])(
    "Java reads what it produces with compression %s",
    async (codec) => {
      const client = connect();
      // Compacted: the broker then unpacks every record of a batch before it takes it.
      const topic = await newTopic(client, 1, { "cleanup.policy": "compact" });
      const producer = client.producer(
        { properties: { "compression.type": codec } },
        { acknowledged() {}, failed() {} },
      );
      const values = Array.from({ length: 300 }, (_, at) => `value ${at} ${"é".repeat(at)}`);
      await producer.send(values.map((value, at) => record(topic, 0, `k${at}`, value)));
      const read = await peers.tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
        ...["--bootstrap-server", peers.bootstrap, "--topic", topic, "--from-beginning"],
        ...["--max-messages", "300", "--timeout-ms", "60000"],
      ]);
      expect(read.trimEnd().split("\n")).toEqual(values);
    },
  );
});
