import { describe, expect, test } from "vitest";
import { schemaCompatibility } from "../../../../../connectors/s3/partition/schema-compatibility.js";
import { S3SinkTask } from "../../../../../connectors/s3/s3-sink-task.js";
import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  connectFromAvro,
  FLOAT64,
  INT32,
  INT64,
  mapOf,
  OPTIONAL_STRING,
  parseAvro,
  primitive,
  type Schema,
  SinkRecord,
  STRING,
  type Struct,
  structOf,
} from "../../../../../src/api/index.js";
import { MemoryStore } from "../memory-store.js";
import { SINK_PROPS, SinkDriver } from "../sink-driver.js";

const V1 = structOf([["a", INT32]], { name: "V", version: 1 });
const V2 = structOf(
  [
    ["a", INT32],
    ["b", primitive("string", { optional: true, defaultValue: "none" })],
  ],
  { name: "V", version: 2 },
);

function recordOf(schema: Schema, values: readonly ConnectValue[], offset = 0): SinkRecord {
  return new SinkRecord("orders", 0, null, null, schema, new ArrayStruct(schema, values), offset, 0, "CreateTime");
}

/** First offsets of the objects for records whose versions alternate. */
async function startsOf(mode: string, versions: readonly Schema[]): Promise<number[]> {
  const store = new MemoryStore();
  const props = { ...SINK_PROPS, "schema.compatibility": mode, "flush.size": "2" };
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], { props });
  for (const [offset, schema] of versions.entries())
    driver.append(recordOf(schema, schema === V1 ? [1] : [1, "x"], offset));
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  return store.keys().map((key) => Number(/\+(\d+)\.json$/.exec(key)![1]));
}

describe("alternating versions, two records to a file", () => {
  const alternating = [V1, V2, V1, V2, V1, V2, V1, V2];
  test.each([
    ["NONE", alternating, [0, 1, 2, 3, 4, 5, 6]],
    ["BACKWARD", alternating, [0, 1, 3, 5]],
    ["FULL", alternating, [0, 1, 3, 5]],
    ["FORWARD", [V2, V1, V2, V1, V2, V1, V2], [0, 1, 3, 5]],
    ["FORWARD", alternating, [0, 2, 4, 6]],
    ["BACKWARD_TRANSITIVE", alternating, [0, 1, 2, 3, 4, 5, 6]],
  ])("%s", async (mode, versions, expected) => {
    expect(await startsOf(mode, versions)).toEqual(expected);
  });
});

test("an older record gets the fields of the file's schema, a newer one loses its own", () => {
  const backward = schemaCompatibility("BACKWARD");
  expect(backward.compare(V2, V1)).toBe("same");
  expect((backward.project(recordOf(V1, [7]), V2).value as Struct).get("b")).toBe("none");
  const forward = schemaCompatibility("FORWARD");
  expect(forward.compare(V1, V2)).toBe("same");
  const narrowed = forward.project(recordOf(V2, [7, "x"]), V1);
  expect(narrowed.valueSchema).toBe(V1);
  expect((narrowed.value as Struct).at(0)).toBe(7);
});

test("nested values are projected, and numbers widened", () => {
  const of = (number: Schema, version: number, extra: readonly (readonly [string, Schema])[] = []) => {
    const item = structOf([["n", number], ...extra], { name: "I" });
    return structOf(
      [
        ["list", arrayOf(item)],
        ["map", mapOf(STRING, item)],
      ],
      { name: "R", version },
    );
  };
  const narrow = of(INT64, 1);
  const wide = of(FLOAT64, 2, [["note", OPTIONAL_STRING]]);
  const item = new ArrayStruct(narrow.field("list")!.schema.valueSchema!, [9007199254740993n]);
  const value = new ArrayStruct(narrow, [[item], new Map([["k", item]])]);
  const record = new SinkRecord("orders", 0, null, null, narrow, value, 0, 0, "CreateTime");
  const backward = schemaCompatibility("BACKWARD");
  expect(backward.compare(wide, narrow)).toBe("same");
  const [list, map] = [0, 1].map((at) => (backward.project(record, wide).value as Struct).at(at));
  for (const projected of [(list as ConnectValue[])[0] as Struct, (map as Map<string, Struct>).get("k")!]) {
    expect(projected.at(0)).toBe(9007199254740992);
    expect(projected.at(1)).toBeNull();
  }
});

describe("a record that cannot be projected finishes the file, whatever the versions", () => {
  const file = structOf([["a", INT32]], { name: "V", version: 5 });
  const enumOf = (...symbols: string[]) => {
    const parameters = Object.fromEntries(
      symbols.map((symbol) => [`io.confluent.connect.avro.Enum.${symbol}`, symbol]),
    );
    return primitive("string", { parameters: { "io.confluent.connect.avro.Enum": "E", ...parameters } });
  };
  const withEnum = (schema: Schema, version: number) => structOf([["e", schema]], { name: "V", version });
  test.each([
    ["another type", file, structOf([["a", STRING]], { name: "V", version: 4 }), "changed"],
    ["a wider number", file, structOf([["a", INT64]], { name: "V", version: 4 }), "changed"],
    ["another name", file, structOf([["a", INT32]], { name: "W", version: 4 }), "changed"],
    [
      "optional to required",
      file,
      structOf([["a", primitive("int32", { optional: true })]], { name: "V", version: 4 }),
      "changed",
    ],
    ["a missing required field", file, structOf([], { name: "V", version: 4 }), "changed"],
    ["fewer symbols of an enum", withEnum(enumOf("A", "B"), 5), withEnum(enumOf("A"), 4), "same"],
    ["more symbols of an enum", withEnum(enumOf("A"), 5), withEnum(enumOf("A", "B"), 4), "changed"],
    ["another documentation", file, structOf([["a", INT32]], { name: "V", version: 5, doc: "text" }), "same"],
  ] as const)("%s", (_name, ofFile, ofRecord, verdict) => {
    expect(schemaCompatibility("BACKWARD").compare(ofFile, ofRecord)).toBe(verdict);
  });
});

test("schemas without versions are judged only if they are the same", () => {
  const plain = () => structOf([["a", INT32]], { name: "V" });
  const other = structOf([["a", STRING]], { name: "V" });
  expect(schemaCompatibility("FULL").compare(plain(), plain())).toBe("same");
  expect(() => schemaCompatibility("FULL").compare(plain(), other)).toThrow(/Schema version required for FULL/);
});

test("schemas that contain themselves are compared", () => {
  const node = (version: number, more = "") => {
    const fields = `{"name":"next","type":["null","N"]}${more}`;
    return connectFromAvro(parseAvro(`{"type":"record","name":"N","fields":[${fields}]}`), undefined, version)!;
  };
  const backward = schemaCompatibility("BACKWARD");
  expect(schemaCompatibility("NONE").compare(node(1), node(1))).toBe("same");
  expect(schemaCompatibility("NONE").compare(node(1), node(2))).toBe("changed");
  expect(backward.compare(node(2), node(1))).toBe("same");
  expect(backward.compare(node(2, ',{"name":"a","type":"int"}'), node(1))).toBe("changed");
});
