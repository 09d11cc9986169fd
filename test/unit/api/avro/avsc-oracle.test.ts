import avsc from "avsc";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AvroSchema,
  AvroWriter,
  avroFullName,
  avroText,
  ByteSlab,
  type ConnectValue,
  type Schema,
  type Struct,
} from "../../../../src/api/index.js";
import { seedOf } from "../../../support/seed.js";
import { randomAvroValues } from "./random-avro-values.js";

// avsc, another implementation of Avro, reads what ours writes.

/** avsc's longs as bigint: its own are numbers below 2^53. */
const long = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

function longHook(schema: unknown): avsc.Type | undefined {
  const isLong = schema === "long" || (schema as { type?: unknown }).type === "long";
  return isLong ? long : undefined;
}

/** `value` as avsc shows it, with the type of each union's branch. */
function shown(avro: AvroSchema, schema: Schema, value: ConnectValue): unknown {
  if (avro.kind === "union") {
    if (value === null) return null;
    const isUnion = schema.name === "io.confluent.connect.avro.Union";
    const set = isUnion ? schema.fields.find(({ index }) => (value as Struct).at(index) !== null)! : undefined;
    const branches = avro.branches.filter(({ kind }) => kind !== "null");
    const branch = branches[set?.index ?? 0]!;
    const name = "namespace" in branch ? avroFullName(branch) : branch.kind;
    const part = set ? (value as Struct).at(set.index) : value;
    return { [name]: shown(branch, set?.schema ?? schema, part) };
  }
  if (avro.kind === "long") return BigInt(value as number | bigint);
  if (avro.kind === "record") {
    const struct = value as Struct;
    const members = avro.fields.map((field, i) => [
      field.name,
      shown(field.schema, schema.fields[i]!.schema, struct.at(i)),
    ]);
    return Object.fromEntries(members);
  }
  if (avro.kind === "map") {
    const entries = [...(value as ReadonlyMap<string, ConnectValue>)];
    return Object.fromEntries(entries.map(([key, item]) => [key, shown(avro.values, schema.valueSchema!, item)]));
  }
  if (avro.kind === "array" && schema.type === "map" && avro.items.kind === "record") {
    const [keys, values] = avro.items.fields;
    return [...(value as ReadonlyMap<ConnectValue, ConnectValue>)].map(([key, item]) => ({
      key: shown(keys!.schema, schema.keySchema!, key),
      value: shown(values!.schema, schema.valueSchema!, item),
    }));
  }
  if (avro.kind === "array")
    return (value as readonly ConnectValue[]).map((item) => shown(avro.items, schema.valueSchema!, item));
  return value;
}

test("avsc reads what is written, and writes the same bytes", () => {
  const slab = new ByteSlab();
  const property = fc.property(randomAvroValues, ({ schema, values }) => {
    const writer = new AvroWriter(schema);
    const options = { wrapUnions: true, typeHook: longHook };
    const type = avsc.Type.forSchema(JSON.parse(avroText(writer.avro)), options);
    for (const value of values) {
      slab.begin();
      writer.write(slab, value);
      const bytes = slab.finish();
      const read = type.fromBuffer(bytes);
      expect(JSON.parse(plain(read))).toEqual(JSON.parse(plain(shown(writer.avro, schema, value))));
      expect(type.toBuffer(read).toString("hex")).toBe(bytes.toString("hex"));
      slab.release();
    }
  });
  fc.assert(property, { seed: seedOf("avsc-oracle"), numRuns: 60 });
});

/** Text in which any two values differ, whatever class avsc has made them of. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_key, part) => {
    if (typeof part === "bigint") return `long ${part}`;
    if (typeof part === "number") return `number ${Object.is(part, -0) ? "-0" : part}`;
    return part;
  });
}
