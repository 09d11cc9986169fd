"""confluent-kafka's and python-schema-registry-client's own clients of a schema registry at the URL of the command line."""
import sys
from importlib.metadata import version

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from schema_registry.client import SchemaRegistryClient as OtherClient
from schema_registry.client import schema as other

URL = sys.argv[1]
RECORD = '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"string"}]}'
CHANGED = '{"type":"record","name":"R","namespace":"n","fields":[{"name":"b","type":"int"}]}'
JSON = '{"$schema":"http://json-schema.org/draft-07/schema#","title":"T","type":"object","properties":{"a":{"type":"string"}}}'


def client():
    """A client without a cache of what others have asked."""
    return SchemaRegistryClient({"url": URL})


def context(topic):
    return SerializationContext(topic, MessageField.VALUE)


def refused(code, call):
    try:
        call()
    except SchemaRegistryError as error:
        assert error.error_code == code, error
        return
    raise AssertionError(f"not refused with {code}")


def schemas():
    id = client().register_schema("s-value", Schema(RECORD, "AVRO"))
    assert client().register_schema("s-value", Schema(RECORD, "AVRO")) == id
    assert client().get_schema(id).schema_str == RECORD
    found = client().lookup_schema("s-value", Schema(RECORD, "AVRO"))
    assert (found.subject, found.version, found.schema_id) == ("s-value", 1, id), found
    assert client().get_latest_version("s-value").version == 1
    assert client().get_versions("s-value") == [1]
    assert client().get_subjects() == ["s-value"]
    assert client().test_compatibility("s-value", Schema(RECORD, "AVRO"))
    refused(40901, lambda: client().register_schema("s-value", Schema(CHANGED, "AVRO")))
    refused(40403, lambda: client().get_schema(99999))
    refused(40401, lambda: client().get_versions("none"))
    client().set_compatibility("s-value", "NONE")
    assert client().get_compatibility("s-value") == "NONE"
    client().register_schema("ref", Schema('{"type":"record","name":"n.X","fields":[]}', "AVRO"))
    using = '{"type":"record","name":"Y","fields":[{"name":"x","type":"n.X"}]}'
    client().register_schema("y", Schema(using, "AVRO", [SchemaReference("n.X", "ref", 1)]))
    assert client().delete_version("y", 1) == 1
    assert client().delete_subject("s-value") == [1]
    assert client().delete_subject("s-value", True) == [1]


def avro():
    data = AvroSerializer(client(), RECORD)({"a": "x"}, context("avro"))
    assert AvroDeserializer(client())(data, context("avro")) == {"a": "x"}


def json():
    data = JSONSerializer(JSON, client())({"a": "x"}, context("json"))
    assert JSONDeserializer(JSON, schema_registry_client=client())(data, context("json")) == {"a": "x"}


def protobuf():
    file = descriptor_pb2.FileDescriptorProto(name="own.proto", package="own", syntax="proto3")
    message = file.message_type.add(name="M")
    message.field.add(name="a", number=1, type=9, label=1, json_name="a")
    message.field.add(name="b", number=2, type=5, label=3, json_name="b")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    M = message_factory.GetMessageClass(pool.FindMessageTypeByName("own.M"))
    conf = {"use.deprecated.format": False}
    data = ProtobufSerializer(M, client(), conf)(M(a="x", b=[1, 2]), context("proto"))
    again = ProtobufDeserializer(M, conf, client())(data, context("proto"))
    assert (again.a, list(again.b)) == ("x", [1, 2]), again
    text = client().get_latest_version("proto-value").schema.schema_str
    assert text == 'syntax = "proto3";\npackage own;\n\nmessage M {\n  string a = 1;\n  repeated int32 b = 2;\n}\n', text


def another_client():
    own = OtherClient(url=URL)
    schema = other.AvroSchema('{"type":"record","name":"D","fields":[{"name":"a","type":"int"}]}')
    id = own.register("other-value", schema)
    assert own.get_by_id(id).raw_schema["name"] == "D"
    assert own.check_version("other-value", schema).version == 1
    assert own.get_schema("other-value").version == 1
    assert own.test_compatibility("other-value", schema)
    own.update_compatibility("FULL", "other-value")
    assert own.get_compatibility("other-value") == "FULL"
    assert own.delete_subject("other-value") == [1]


print("version", version("confluent-kafka"), flush=True)
for step in (schemas, avro, json, protobuf, another_client):
    step()
    print("ok", step.__name__, flush=True)
