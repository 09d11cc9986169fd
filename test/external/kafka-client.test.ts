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

  describe("transactions", () => {
    const nothing = { acknowledged() {}, failed() {} };

    test("Java reads what was committed, once and in order, and nothing that was aborted, fenced or left open", async () => {
      const client = connect();
      const topic = await newTopic(client, 2);
      const id = `id of ${topic}`;
      const first = client.transactionalProducer({ transactionalId: id }, nothing);
      await first.init();
      for (let at = 0; at < 20; at++) {
        first.begin();
        await first.send([record(topic, 0, null, `a${at}`), record(topic, 1, null, `b${at}`)]);
        await (at % 3 === 2 ? first.abort() : first.commit());
      }
      first.begin();
      await first.send([record(topic, 0, null, "of a zombie")]);
      const second = connect().transactionalProducer({ transactionalId: id }, nothing);
      await second.init();
      await expect(first.commit()).rejects.toThrow("another producer took over transactional id");
      second.begin();
      await second.send([record(topic, 0, null, "last")]);
      await second.commit();
      second.begin();
      await second.send([record(topic, 1, null, "still open")]);

      const kept = Array.from({ length: 20 }, (_, at) => at).filter((at) => at % 3 !== 2);
      const of = (partition: number, isolation: string) =>
        peers
          .tool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
            ...["--bootstrap-server", peers.bootstrap, "--topic", topic, "--partition", String(partition)],
            ...["--offset", "earliest", "--isolation-level", isolation, "--timeout-ms", "20000"],
          ])
          // The consumer ends by its time-out, which it prints as an error.
          .then((read) =>
            read
              .trimEnd()
              .split("\n")
              .filter((line) => !/^\[|^org\.apache/.test(line)),
          );
      expect(await of(0, "read_committed")).toEqual([...kept.map((at) => `a${at}`), "last"]);
      expect(await of(1, "read_committed")).toEqual(kept.map((at) => `b${at}`));
      expect(await of(1, "read_uncommitted")).toHaveLength(21);

      // A consumer of ours agrees, and is not kept waiting by control batches at the end.
      const consumer = connect().consumer({ properties: { "isolation.level": "read_committed" } });
      const partition = { topic, partition: 0 };
      consumer.assign([partition]);
      consumer.seek(partition, "earliest");
      const values: string[] = [];
      const [{ offset: end } = { offset: -1 }] = await client.admin.endOffsets([partition]);
      while ((consumer.position(partition) ?? 0) < end) {
        for (const { records } of await consumer.poll(10_000))
          values.push(...records.map(({ value }) => value?.toString() ?? ""));
      }
      expect(values).toEqual([...kept.map((at) => `a${at}`), "last"]);
    });

    test("an admin fences producers, whose open transactions are aborted", async () => {
      const client = connect();
      const topic = await newTopic(client);
      const producer = client.transactionalProducer({ transactionalId: topic }, nothing);
      await producer.init();
      producer.begin();
      await producer.send([record(topic, 0, null, "lost")]);
      await client.admin.fenceProducers([topic, `${topic}-unused`]);
      await expect(producer.commit()).rejects.toThrow("another producer took over");
    });

    test("a transaction that outlives its time-out shows nothing", { timeout: 60_000 }, async () => {
      const client = connect({ "transaction.timeout.ms": "1000" });
      const topic = await newTopic(client);
      const producer = client.transactionalProducer({ transactionalId: topic }, nothing);
      await producer.init();
      producer.begin();
      await producer.send([record(topic, 0, null, "lost")]);
      // The coordinator looks every 10 s; its ABORT marker is the second record of the partition.
      const ended = async () => (await client.admin.endOffsets([{ topic, partition: 0 }]))[0]!.offset;
      while ((await ended()) < 2);
      await expect(producer.commit()).rejects.toThrow("transaction.timeout.ms=1000");
    });
  });
});
