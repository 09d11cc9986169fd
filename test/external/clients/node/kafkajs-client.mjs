// kafkajs: arguments are the bootstrap servers and a name.
import { createRequire } from "node:module";
import kafkajs from "kafkajs";
import snappy from "kafkajs-snappy";
import { equal, recordsOf, run, Taken } from "./steps.mjs";

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = snappy;
const [bootstrap, name] = process.argv.slice(2);
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
const admin = kafka.admin();
await admin.connect();

const create = (topic, numPartitions = 1) => admin.createTopics({ topics: [{ topic, numPartitions }] });

/** The records of a topic up to `count`, in order, in a group of their own. */
async function read(topic, count, readUncommitted = false) {
  const consumer = kafka.consumer({ groupId: `${topic}-read-${readUncommitted}`, readUncommitted });
  const taken = new Taken();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => taken.add(message) });
  await taken.until(() => taken.values.length >= count);
  await consumer.disconnect();
  return taken.values;
}

/** A member that takes values once its commit has been answered. */
async function member(groupId, topic, taken) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 300 });
  let assigned = 0;
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    assigned = (payload.memberAssignment[topic] ?? []).length;
    taken.add();
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    async eachBatch({ batch: { partition, messages }, resolveOffset }) {
      const last = messages.at(-1).offset;
      await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(last) + 1n) }]);
      resolveOffset(last);
      taken.add(...messages.map(({ value }) => Number(value)));
    },
  });
  return { consumer, assigned: () => assigned };
}

await run(createRequire(import.meta.url)("kafkajs/package.json").version, {
  async topics() {
    const topic = `${name}-topic`;
    await create(topic, 2);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    equal(topics[0].partitions.length, 3);
    await admin.deleteTopics({ topics: [topic] });
    equal((await admin.listTopics()).includes(topic), false);
  },

  async configs() {
    const topic = `${name}-configs`;
    await create(topic);
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic };
    const configEntries = [{ name: "retention.ms", value: "3600000" }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
    equal(resources[0].configEntries.find(({ configName }) => configName === "retention.ms").configValue, "3600000");
  },

  async "produce and consume with keys, headers, gzip and snappy"() {
    for (const codec of ["none", "gzip", "snappy"]) {
      const topic = `${name}-${codec}`;
      await create(topic);
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      const compression = { none: 0, gzip: 1, snappy: 2 }[codec];
      await producer.send({ topic, acks: -1, compression, messages: recordsOf(name) });
      await producer.disconnect();
      const found = await read(topic, 200);
      equal(
        found.map(({ key, value, headers }) => ({
          key: String(key),
          value: String(value),
          headers: { origin: String(headers.origin) },
        })),
        recordsOf(name),
      );
    }
  },

  async "a group with commits, and takeover when a member leaves"() {
    const [topic, groupId] = [`${name}-group`, `${name}-members`];
    await create(topic, 4);
    const producer = kafka.producer();
    await producer.connect();
    const send = (first) =>
      producer.send({
        topic,
        messages: Array.from({ length: 100 }, (_, at) => ({ value: String(first + at), partition: at % 4 })),
      });
    const taken = new Taken();
    await send(0);
    const one = await member(groupId, topic, taken);
    await taken.until(() => taken.values.length >= 100);
    const two = await member(groupId, topic, taken);
    await taken.until(() => one.assigned() === 2 && two.assigned() === 2);
    await send(100);
    await taken.until(() => taken.values.length >= 200);
    await one.consumer.disconnect();
    await send(200);
    await taken.until(() => taken.values.length >= 300 && two.assigned() === 4);
    await two.consumer.disconnect();
    await producer.disconnect();
    equal(
      taken.values.sort((a, b) => a - b),
      Array.from({ length: 300 }, (_, at) => at),
    );
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] });
    equal(
      partitions.map(({ offset }) => offset),
      ["75", "75", "75", "75"],
    );
  },

  async "groups described and deleted"() {
    const groupId = `${name}-members`;
    equal((await admin.describeGroups([groupId])).groups[0].state, "Empty");
    await admin.deleteGroups([groupId]);
    const { groups } = await admin.listGroups();
    equal(
      groups.some((group) => group.groupId === groupId),
      false,
    );
  },

  async "records deleted"() {
    const topic = `${name}-none`;
    // The deletion looks for leaders among what is known already.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "50" }] });
    equal((await admin.fetchTopicOffsets(topic))[0].low, "50");
  },

  async "transactions, with offsets"() {
    const [topic, consumerGroupId] = [`${name}-transactions`, `${name}-offsets`];
    await create(topic);
    const producer = kafka.producer({ transactionalId: `${name}-id`, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (const [value, end] of [
      ["first", "commit"],
      ["aborted", "abort"],
      ["last", "commit"],
    ]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value }] });
      const partitions = [{ partition: 0, offset: String(value.length) }];
      await transaction.sendOffsets({ consumerGroupId, topics: [{ topic: `${name}-none`, partitions }] });
      await transaction[end]();
    }
    await producer.disconnect();
    const valuesOf = (messages) => messages.map(({ value }) => String(value));
    equal(valuesOf(await read(topic, 2)), ["first", "last"]);
    equal(valuesOf(await read(topic, 3, true)), ["first", "aborted", "last"]);
    const [{ partitions }] = await admin.fetchOffsets({ groupId: consumerGroupId, topics: [`${name}-none`] });
    equal(partitions[0].offset, String("last".length));
  },
});
await admin.disconnect();
