"""aiokafka: arguments are the bootstrap servers and a name."""

import asyncio

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CommitFailedError

from steps import PATIENCE_S, arguments, equal, records

BOOTSTRAP, NAME = arguments()


async def create(admin, topic, partitions=1):
    answer = await admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])
    equal([error[1] for error in answer.topic_errors], [0])


def consumer(*topics, **settings):
    settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    return AIOKafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, **settings)


async def read(topic, count, **settings):
    async with consumer(topic, **settings) as reader:
        found = []
        while len(found) < count:
            for batch in (await reader.getmany(timeout_ms=1000)).values():
                found.extend(batch)
        return found


async def topics(admin):
    "topics"
    topic = f"{NAME}-topic"
    await create(admin, topic, 2)
    await admin.create_partitions({topic: NewPartitions(total_count=3)})
    (described,) = await admin.describe_topics([topic])
    equal(len(described["partitions"]), 3)
    await admin.delete_topics([topic])
    equal(topic in await admin.list_topics(), False)


async def configs(admin):
    "configs"
    topic = f"{NAME}-configs"
    await create(admin, topic)
    changed = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "3600000"})
    await admin.alter_configs([changed])
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    (resource,) = answer.resources
    equal({entry[0]: entry[1] for entry in resource[4]}["retention.ms"], "3600000")


async def produce(admin):
    "produce and consume with keys, headers and each codec"
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = f"{NAME}-{codec}"
        await create(admin, topic)
        compression = None if codec == "none" else codec
        async with AIOKafkaProducer(
            bootstrap_servers=BOOTSTRAP, enable_idempotence=True, compression_type=compression, linger_ms=50
        ) as writer:
            headers = [("origin", NAME.encode())]
            sent = [await writer.send(topic, key=key, value=value, headers=headers) for key, value in records(NAME)]
            await asyncio.gather(*sent)
        found = await read(topic, len(records(NAME)))
        equal([(record.key, record.value) for record in found], records(NAME))
        equal({header for record in found for header in record.headers}, {("origin", NAME.encode())})


class Member:
    def __init__(self, topic, group, taken, changed):
        self.reader = consumer(topic, group_id=group, max_poll_records=20)
        self.taken, self.changed, self.stopped, self.assigned = taken, changed, False, 0
        self.running = asyncio.create_task(self.run())

    async def run(self):
        async with self.reader:
            while not self.stopped:
                batches = await self.reader.getmany(timeout_ms=200)
                values = [record.value for batch in batches.values() for record in batch]
                if values:
                    try:
                        await self.reader.commit()
                    except CommitFailedError:
                        values = []  # The group has moved on: whoever has the partition now gets them again.
                self.assigned = len(self.reader.assignment())
                self.taken.extend(values)
                async with self.changed:
                    self.changed.notify_all()

    async def leave(self):
        self.stopped = True
        await self.running


async def group(admin):
    "a group with commits, and takeover when a member leaves"
    topic, name = f"{NAME}-group", f"{NAME}-members"
    await create(admin, topic, 4)
    taken, changed = [], asyncio.Condition()

    async def until(condition):
        async with changed:
            await asyncio.wait_for(changed.wait_for(condition), PATIENCE_S)

    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP) as writer:

        async def send(first, last):
            sent = [await writer.send(topic, b"%d" % at, partition=at % 4) for at in range(first, last)]
            await asyncio.gather(*sent)

        await send(0, 100)
        one = Member(topic, name, taken, changed)
        await until(lambda: len(taken) >= 100)
        two = Member(topic, name, taken, changed)
        await until(lambda: one.assigned == 2 and two.assigned == 2)
        await send(100, 200)
        await until(lambda: len(taken) >= 200)
        await one.leave()
        await send(200, 300)
        await until(lambda: len(taken) >= 300 and two.assigned == 4)
        await two.leave()
    equal(sorted(taken, key=int), [b"%d" % at for at in range(300)])
    equal(name in str(await admin.list_consumer_groups()), True)
    equal("Empty" in str(await admin.describe_consumer_groups([name])), True)
    offsets = await admin.list_consumer_group_offsets(name)
    equal({place.partition: found.offset for place, found in offsets.items()}, dict.fromkeys(range(4), 75))


async def delete_records(admin):
    "records deleted"
    partition = TopicPartition(f"{NAME}-none", 0)
    await admin.delete_records({partition: RecordsToDelete(before_offset=50)})
    async with consumer(f"{NAME}-none") as reader:
        equal(await reader.beginning_offsets([partition]), {partition: 50})


async def transactions(admin):
    "transactions, with offsets"
    topic, name = f"{NAME}-transactions", f"{NAME}-offsets"
    await create(admin, topic)
    source = TopicPartition(f"{NAME}-none", 0)
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=f"{NAME}-id") as writer:
        for value, end in ((b"first", "commit"), (b"aborted", "abort"), (b"last", "commit")):
            await writer.begin_transaction()
            await writer.send_and_wait(topic, value)
            await writer.send_offsets_to_transaction({source: len(value)}, name)
            await (writer.commit_transaction() if end == "commit" else writer.abort_transaction())
    found = await read(topic, 2, isolation_level="read_committed")
    equal([record.value for record in found], [b"first", b"last"])
    equal(len(await read(topic, 3)), 3)
    async with consumer(group_id=name) as reader:
        equal(await reader.committed(source), len(b"last"))


async def main():
    print("version", aiokafka.__version__, flush=True)
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    for step in (topics, configs, produce, group, delete_records, transactions):
        await step(admin)
        print("ok", step.__doc__, flush=True)
    await admin.close()


asyncio.run(main())
