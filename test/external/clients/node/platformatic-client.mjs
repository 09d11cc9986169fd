// @platformatic/kafka: arguments are the bootstrap servers and a name.
import { readFileSync } from "node:fs";
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from "@platformatic/kafka";
import { equal, recordsOf, run, Taken } from "./steps.mjs";

const [bootstrap, name] = process.argv.slice(2);
const TOPIC = 2;
const SET = 0;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const common = { clientId: name, bootstrapBrokers: [bootstrap] };
const admin = new Admin(common);
const producerOf = (options) => new Producer({ ...common, serializers: stringSerializers, ...options });
const consumerOf = (options) =>
  new Consumer({ ...common, deserializers: stringDeserializers, autocommit: false, ...options });

const create = (topic, partitions = 1) => admin.createTopics({ topics: [topic], partitions, replicas: 1 });

/** The records of a topic up to `count`, in order, in a group of their own. */
async function read(topic, count, isolationLevel = READ_UNCOMMITTED) {
  const consumer = consumerOf({ groupId: `${topic}-read-${isolationLevel}` });
  const stream = await consumer.consume({ topics: [topic], mode: "earliest", isolationLevel });
  const found = [];
  for await (const message of stream) {
    found.push(message);
    if (found.length >= count) break;
  }
  await consumer.close(true);
  return found;
}

/** A member that takes values once their commit has been answered. */
async function member(groupId, topic, taken, failures) {
  const consumer = consumerOf({ groupId, sessionTimeout: 10_000, heartbeatInterval: 300 });
  let assigned = 0;
  consumer.on("consumer:group:join", ({ assignments = [] }) => {
    assigned = assignments.filter((one) => one.topic === topic).flatMap(({ partitions }) => partitions).length;
    taken.add();
  });
  const stream = await consumer.consume({ topics: [topic], mode: "committed", fallbackMode: "earliest" });
  const reading = (async () => {
    for await (const message of stream) {
      await message.commit();
      taken.add(Number(message.value));
    }
  })();
  reading.catch((error) => {
    failures.push(error);
    taken.add();
  });
  return { consumer, assigned: () => assigned };
}

const { version } = JSON.parse(
  readFileSync(new URL("node_modules/@platformatic/kafka/package.json", import.meta.url), "utf8"),
);
await run(`${version} on Node ${process.versions.node}`, {
  async topics() {
    const topic = `${name}-topic`;
    await create(topic, 2);
    await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: null }] });
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    equal(metadata.topics.get(topic).partitionsCount, 3);
    await admin.deleteTopics({ topics: [topic] });
    equal((await admin.listTopics()).includes(topic), false);
  },

  async configs() {
    const topic = `${name}-configs`;
    await create(topic);
    const resource = { resourceType: TOPIC, resourceName: topic };
    const configs = [{ name: "retention.ms", configOperation: SET, value: "3600000" }];
    await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs }] });
    const [described] = await admin.describeConfigs({ resources: [resource] });
    equal(described.configs.find((entry) => entry.name === "retention.ms").value, "3600000");
  },

  async "produce and consume with keys, headers and each codec"() {
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      const topic = `${name}-${codec}`;
      await create(topic);
      const producer = producerOf({ idempotent: true });
      await producer.send({ compression: codec, messages: recordsOf(name).map((record) => ({ topic, ...record })) });
      await producer.close();
      const found = await read(topic, 200);
      equal(
        found.map(({ key, value, headers }) => ({ key, value, headers: Object.fromEntries(headers) })),
        recordsOf(name),
      );
    }
  },

  async "a group with commits, and takeover when a member leaves"() {
    const [topic, groupId] = [`${name}-group`, `${name}-members`];
    await create(topic, 4);
    const producer = producerOf({});
    const send = (first) =>
      producer.send({
        messages: Array.from({ length: 100 }, (_, at) => ({ topic, value: String(first + at), partition: at % 4 })),
      });
    const taken = new Taken();
    const failures = [];
    // A rebalance makes it hand over records again, and commit them again: with Apache Kafka, too.
    const took = () => new Set(taken.values).size;
    const until = async (condition) => {
      await taken.until(() => failures.length > 0 || condition());
      if (failures.length > 0) throw failures[0];
    };
    await send(0);
    const one = await member(groupId, topic, taken, failures);
    await until(() => took() >= 100);
    const two = await member(groupId, topic, taken, failures);
    await until(() => one.assigned() === 2 && two.assigned() === 2);
    await send(100);
    await until(() => took() >= 200);
    await one.consumer.close(true);
    await send(200);
    await until(() => took() >= 300 && two.assigned() === 4);
    await two.consumer.close(true);
    await producer.close();
    equal(
      [...new Set(taken.values)].sort((a, b) => a - b),
      Array.from({ length: 300 }, (_, at) => at),
    );
    const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    const offsets = group.topics[0].partitions.map(({ committedOffset }) => committedOffset);
    equal(
      offsets.map((offset) => offset > 25n && offset <= 75n),
      [true, true, true, true],
    );
  },

  async "groups described and deleted"() {
    const groupId = `${name}-members`;
    equal((await admin.describeGroups({ groups: [groupId] })).get(groupId).state, "Empty");
    await admin.deleteGroups({ groups: [groupId] });
    equal((await admin.listGroups()).has(groupId), false);
  },

  async "records deleted"() {
    const topic = `${name}-none`;
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 50n }] }] });
    equal((await read(topic, 1))[0].offset, 50n);
  },

  async "transactions, with offsets"() {
    const [topic, source, groupId] = [`${name}-transactions`, `${name}-gzip`, `${name}-offsets`];
    await create(topic);
    const producer = producerOf({ idempotent: true, transactionalId: `${name}-id` });
    const consumer = consumerOf({ groupId });
    const stream = await consumer.consume({ topics: [source], mode: "earliest" });
    const messages = stream[Symbol.asyncIterator]();
    for (const [value, end] of [
      ["first", "commit"],
      ["aborted", "abort"],
      ["last", "commit"],
    ]) {
      const { value: message } = await messages.next();
      const transaction = await producer.beginTransaction();
      await transaction.addConsumer(consumer);
      await transaction.send({ messages: [{ topic, value }] });
      await transaction.addOffset(message);
      await transaction[end]();
    }
    await consumer.close(true);
    await producer.close();
    const values = (found) => found.map(({ value }) => value);
    equal(values(await read(topic, 2, READ_COMMITTED)), ["first", "last"]);
    equal(values(await read(topic, 3)), ["first", "aborted", "last"]);
    const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    equal(group.topics[0].partitions[0].committedOffset, 3n);
  },

  async "log folders described"() {
    const [{ results }] = await admin.describeLogDirs({ topics: [{ name: `${name}-none`, partitions: [0] }] });
    equal(results[0].topics[0].name, `${name}-none`);
  },
});
await admin.close();
