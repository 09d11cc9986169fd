"""confluent-kafka-python, over librdkafka: arguments are the bootstrap servers and a name."""

import threading

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from steps import Taken, arguments, equal, records, run

BOOTSTRAP, NAME = arguments()
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def each(futures):
    return {key: future.result() for key, future in futures.items()}


def create(topic, partitions=1):
    each(admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)]))


def producer(**settings):
    return Producer({"bootstrap.servers": BOOTSTRAP, **{key.replace("_", "."): value for key, value in settings.items()}})


def consumer(group, **settings):
    settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    common = {"bootstrap.servers": BOOTSTRAP, "group.id": group, "check.crcs": True}
    return Consumer({**common, **{key.replace("_", "."): value for key, value in settings.items()}})


def send(writer, topic, values, **place):
    """Sends values and raises the first error of a delivery."""
    errors = []
    for value in values:
        writer.produce(topic, value=value, on_delivery=lambda error, _: error and errors.append(error), **place)
    writer.flush()
    if errors:
        raise KafkaException(errors[0])


def taken_of(message):
    if message.error():
        raise KafkaException(message.error())
    return message


def read(topic, count, **settings):
    """The first records of a topic's one partition."""
    reader = consumer(f"{NAME}-reader", **settings)
    reader.assign([TopicPartition(topic, 0, 0)])
    found = []
    while len(found) < count:
        found.extend(taken_of(message) for message in reader.consume(count, timeout=1))
    reader.close()
    return found


def topics():
    "topics"
    topic = f"{NAME}-topic"
    create(topic, 2)
    each(admin.create_partitions([NewPartitions(topic, 3)]))
    equal(len(admin.list_topics(topic).topics[topic].partitions), 3)
    each(admin.delete_topics([topic]))
    equal(topic in admin.list_topics().topics, False)


def configs():
    "configs"
    topic = f"{NAME}-configs"
    create(topic)
    entry = ConfigEntry("retention.ms", "3600000", incremental_operation=AlterConfigOpType.SET)
    each(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])]))
    (described,) = each(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)])).values()
    equal(described["retention.ms"].value, "3600000")


def produce():
    "produce and consume with keys, headers and each codec"
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = f"{NAME}-{codec}"
        create(topic)
        writer = producer(enable_idempotence=True, compression_type=codec, linger_ms=50)
        for key, value in records(NAME):
            writer.produce(topic, key=key, value=value, headers={"origin": NAME})
        equal(writer.flush(), 0)
        found = read(topic, len(records(NAME)))
        equal([(message.key(), message.value()) for message in found], records(NAME))
        equal({header for message in found for header in message.headers()}, {("origin", NAME.encode())})


class Member(threading.Thread):
    def __init__(self, topic, group, taken, settings):
        super().__init__(daemon=True)
        self.reader = consumer(group, **settings)
        self.reader.subscribe([topic])
        self.taken, self.stopped, self.assigned = taken, False, 0
        self.start()

    def run(self):
        while not self.stopped:
            messages = [taken_of(message) for message in self.reader.consume(20, timeout=0.2)]
            values = [message.value() for message in messages]
            if messages:
                try:
                    self.reader.commit(asynchronous=False)
                except KafkaException:
                    values = []  # The group has moved on: whoever has the partition now gets them again.
            self.assigned = len(self.reader.assignment())
            self.taken.add(values)
        self.reader.close()

    def leave(self):
        self.stopped = True
        self.join()


def share(kind, **settings):
    topic, name = f"{NAME}-group-{kind}", f"{NAME}-members-{kind}"
    create(topic, 4)
    writer = producer()

    def write(first, last):
        for at in range(first, last):
            send(writer, topic, [b"%d" % at], partition=at % 4) if at == last - 1 else writer.produce(
                topic, value=b"%d" % at, partition=at % 4
            )

    taken = Taken()
    write(0, 100)
    one = Member(topic, name, taken, settings)
    taken.until(lambda: len(taken.values) >= 100, "the first member reads alone")
    two = Member(topic, name, taken, settings)
    taken.until(lambda: one.assigned == 2 and two.assigned == 2, "the members share the partitions")
    write(100, 200)
    taken.until(lambda: len(taken.values) >= 200, "both read")
    one.leave()
    write(200, 300)
    taken.until(lambda: len(taken.values) >= 300 and two.assigned == 4, "the second takes over")
    two.leave()
    equal(sorted(taken.values, key=int), [b"%d" % at for at in range(300)])
    reader = consumer(name)
    committed = reader.committed([TopicPartition(topic, at) for at in range(4)], timeout=10)
    equal([place.offset for place in committed], [75] * 4)
    reader.close()


def group():
    "a group with commits, and takeover when a member leaves"
    share("eager", partition_assignment_strategy="range")


def cooperative():
    "the same with cooperative-sticky"
    share("cooperative", partition_assignment_strategy="cooperative-sticky")


def consumer_protocol():
    "the same with group.protocol=consumer"
    share("consumer", group_protocol="consumer")


def groups():
    "groups described and deleted"
    name = f"{NAME}-members-eager"
    equal(name in [found.group_id for found in admin.list_consumer_groups().result().valid], True)
    equal(each(admin.describe_consumer_groups([name]))[name].state.name, "EMPTY")
    each(admin.delete_consumer_groups([name]))
    equal(name in [found.group_id for found in admin.list_consumer_groups().result().valid], False)


def delete_records():
    "records deleted"
    partition = TopicPartition(f"{NAME}-none", 0, 50)
    each(admin.delete_records([partition]))
    (first,) = each(admin.list_offsets({TopicPartition(f"{NAME}-none", 0): OffsetSpec.earliest()})).values()
    equal(first.offset, 50)


def transactions():
    "transactions, with offsets"
    topic, name = f"{NAME}-transactions", f"{NAME}-offsets"
    create(topic)
    writer = producer(transactional_id=f"{NAME}-id")
    writer.init_transactions()
    reader = consumer(name)
    for value, end in ((b"first", "commit"), (b"aborted", "abort"), (b"last", "commit")):
        writer.begin_transaction()
        send(writer, topic, [value])
        place = TopicPartition(f"{NAME}-none", 0, len(value))
        writer.send_offsets_to_transaction([place], reader.consumer_group_metadata())
        (writer.commit_transaction if end == "commit" else writer.abort_transaction)()
    found = read(topic, 2, isolation_level="read_committed")
    equal([message.value() for message in found], [b"first", b"last"])
    equal(len(read(topic, 3, isolation_level="read_uncommitted")), 3)
    (committed,) = reader.committed([TopicPartition(f"{NAME}-none", 0)], timeout=10)
    equal(committed.offset, len(b"last"))
    reader.close()


def foreign():
    "another library's transactions"
    topic = f"{NAME}-foreign"
    found = read(topic, 2, isolation_level="read_committed")
    equal([message.value() for message in found], [b"first", b"last"])
    equal(len(read(topic, 3, isolation_level="read_uncommitted")), 3)


run(
    confluent_kafka.__version__,
    *(topics, configs, produce, group, cooperative, consumer_protocol, groups, delete_records, transactions),
    others=[foreign],
)
