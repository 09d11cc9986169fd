// @kafkajs/confluent-schema-registry against a schema registry at the URL of the command line.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { SchemaRegistry, SchemaType } = require("@kafkajs/confluent-schema-registry");
console.log("version", require("@kafkajs/confluent-schema-registry/package.json").version);

const host = process.argv[2];
const steps = [
  [SchemaType.AVRO, '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"string"}]}'],
  [SchemaType.JSON, '{"title":"T","type":"object","properties":{"a":{"type":"string"}}}'],
  [SchemaType.PROTOBUF, 'syntax = "proto3"; package p; message M { string a = 1; }'],
];
for (const [type, schema] of steps) {
  const registry = new SchemaRegistry({ host });
  const subject = `kafkajs-${type}`;
  const { id } = await registry.register({ type, schema }, { subject });
  assert.equal(await registry.getLatestSchemaId(subject), id);
  assert.equal(await registry.getRegistryIdBySchema(subject, { type, schema }), id);
  const bytes = await registry.encode(id, { a: "x" });
  assert.equal((await new SchemaRegistry({ host }).decode(bytes)).a, "x");
  console.log("ok", type);
}
