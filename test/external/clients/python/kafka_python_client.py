"""kafka-python, of any version from 2.0 on: arguments are the bootstrap servers and a name."""

import threading

import kafka
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import CommitFailedError
from kafka.structs import OffsetAndMetadata

from steps import PATIENCE_S, Taken, arguments, equal, records, run

BOOTSTRAP, NAME = arguments()
VERSION = tuple(int(part) for part in kafka.__version__.split("."))
OFFERS = {"idempotence": VERSION >= (2, 3)}
admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def create(topic, partitions=1):
    admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])


def producer(**settings):
    return KafkaProducer(bootstrap_servers=BOOTSTRAP, acks="all", **settings)


def consumer(*topics, **settings):
    settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, **settings}
    return KafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, **settings)


def read(topic, count, **settings):
    """The first records of a topic, and all others that are there by then."""
    found = []
    reader = consumer(topic, group_id=None, **settings)
    while len(found) < count:
        for batch in reader.poll(timeout_ms=1000).values():
            found.extend(batch)
    reader.close()
    return found


def topics():
    "topics"
    topic = f"{NAME}-topic"
    create(topic, 2)
    admin.create_partitions({topic: NewPartitions(total_count=3)})
    (described,) = admin.describe_topics([topic])
    equal(len(described["partitions"]), 3)
    admin.delete_topics([topic])
    equal(topic in admin.list_topics(), False)


def configs():
    "configs"
    topic = f"{NAME}-configs"
    create(topic)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "3600000"})])
    described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    if VERSION >= (3,):
        value = described["topic"][topic]["retention.ms"]["value"]
    else:
        (resource,) = described[0].resources
        value = {entry[0]: entry[1] for entry in resource[4]}["retention.ms"]
    equal(value, "3600000")


def produce():
    "produce and consume with keys, headers and each codec"
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        topic = f"{NAME}-{codec}"
        create(topic)
        idempotence = {"enable_idempotence": True} if OFFERS["idempotence"] else {}
        writer = producer(compression_type=None if codec == "none" else codec, linger_ms=50, **idempotence)
        for key, value in records(NAME):
            writer.send(topic, key=key, value=value, headers=[("origin", NAME.encode())])
        writer.flush()
        writer.close()
        found = read(topic, len(records(NAME)))
        equal([(record.key, record.value) for record in found], records(NAME))
        equal({tuple(header) for record in found for header in record.headers}, {("origin", NAME.encode())})


class Member(threading.Thread):
    def __init__(self, topic, group, taken):
        super().__init__(daemon=True)
        self.reader = consumer(topic, group_id=group, max_poll_records=20)
        self.taken, self.stopped, self.assigned = taken, False, 0
        self.start()

    def run(self):
        while not self.stopped:
            batches = self.reader.poll(timeout_ms=200)
            self.assigned = len(self.reader.assignment())
            values = [record.value for batch in batches.values() for record in batch]
            if values:
                try:
                    self.reader.commit()
                except CommitFailedError:
                    values = []  # The group has moved on: whoever has the partition now gets them again.
            self.taken.add(values)
        self.reader.close()

    def leave(self):
        self.stopped = True
        self.join()


def group():
    "a group with commits, and takeover when a member leaves"
    topic, name = f"{NAME}-group", f"{NAME}-members"
    create(topic, 4)
    writer = producer()

    def send(first, last):
        for at in range(first, last):
            writer.send(topic, b"%d" % at, partition=at % 4)
        writer.flush()

    taken = Taken()
    send(0, 100)
    one = Member(topic, name, taken)
    taken.until(lambda: len(taken.values) >= 100, "the first member reads alone")
    two = Member(topic, name, taken)
    taken.until(lambda: one.assigned == 2 and two.assigned == 2, "the members share the partitions")
    send(100, 200)
    taken.until(lambda: len(taken.values) >= 200, "both read")
    one.leave()
    send(200, 300)
    taken.until(lambda: len(taken.values) >= 300 and two.assigned == 4, "the second takes over")
    two.leave()
    equal(sorted(taken.values, key=int), [b"%d" % at for at in range(300)])
    listed = admin.list_groups() if VERSION >= (3,) else admin.list_consumer_groups()
    equal(any(name in str(entry) for entry in listed), True)
    offsets = admin.list_group_offsets({name: None}) if VERSION >= (3,) else admin.list_consumer_group_offsets(name)
    offsets = offsets[name] if VERSION >= (3,) else offsets
    equal({partition.partition: offset.offset for partition, offset in offsets.items()}, dict.fromkeys(range(4), 75))


def delete_groups():
    "groups described and deleted"
    name = f"{NAME}-members"
    describe = admin.describe_groups if VERSION >= (3,) else admin.describe_consumer_groups
    equal("Empty" in str(describe([name])), True)
    (admin.delete_groups if VERSION >= (3,) else admin.delete_consumer_groups)([name])
    listed = admin.list_groups() if VERSION >= (3,) else admin.list_consumer_groups()
    equal(any(name in str(entry) for entry in listed), False)


def delete_records():
    "records deleted"
    partition = TopicPartition(f"{NAME}-none", 0)
    admin.delete_records({partition: 50})
    reader = consumer()
    equal(reader.beginning_offsets([partition]), {partition: 50})
    reader.close()


def transactions():
    "transactions, with offsets"
    topic, name = f"{NAME}-transactions", f"{NAME}-offsets"
    create(topic)
    writer = producer(transactional_id=f"{NAME}-id")
    writer.init_transactions()
    reader = consumer(topic, group_id=name, isolation_level="read_committed")
    source = TopicPartition(f"{NAME}-none", 0)
    for value, end in ((b"first", "commit"), (b"aborted", "abort"), (b"last", "commit")):
        writer.begin_transaction()
        # What is not sent when a transaction is aborted never is.
        writer.send(topic, value).get(timeout=PATIENCE_S)
        offset = OffsetAndMetadata(len(value), "", -1)
        writer.send_offsets_to_transaction(
            {source: offset}, reader.group_metadata() if hasattr(reader, "group_metadata") else name
        )
        (writer.commit_transaction if end == "commit" else writer.abort_transaction)()
    equal([record.value for record in read(topic, 2, isolation_level="read_committed")], [b"first", b"last"])
    equal(len(read(topic, 3)), 3)
    equal(reader.committed(source), len(b"last"))
    reader.close()
    writer.close()


def foreign():
    "another library's transactions"
    topic = f"{NAME}-foreign"
    found = read(topic, 2, isolation_level="read_committed")
    equal([record.value for record in found], [b"first", b"last"])
    equal(len(read(topic, 3)), 3)


def log_dirs():
    "log folders described"
    equal(f"{NAME}-none" in str(admin.describe_log_dirs()), True)


steps = [topics, configs, produce, group, delete_groups]
if VERSION >= (2, 3):
    steps += [delete_records, transactions]
if VERSION >= (3,):
    steps += [log_dirs]  # Before, it asks for a version that Kafka 4 does not serve, either.
run(kafka.__version__, *steps, others=[foreign])
admin.close()
