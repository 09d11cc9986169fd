import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteArrayFormat } from "../../../../connectors/s3/formats/byte-array-format.js";
import { inJavaOrder } from "../../../../connectors/s3/formats/java-map-order.js";
import { JsonFormat } from "../../../../connectors/s3/formats/json-format.js";
import {
  ArrayStruct,
  arrayOf,
  BYTES,
  type ConnectValue,
  INT32,
  LOGICAL,
  mapOf,
  primitive,
  type Schema,
  SinkRecord,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { jsonConverter } from "./sink-driver.js";

function rowOf(schema: Schema | null, value: ConnectValue, decimalFormat = "BASE64"): string {
  const record = new SinkRecord("orders", 0, null, null, schema, value, 0, null, "NoTimestampType");
  return new JsonFormat(jsonConverter, decimalFormat, undefined).row(record).toString();
}

const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });

test("maps without a schema list their keys as a Java HashMap does", () => {
  const words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split(" ");
  const order = "nine six one seven two three thirteen eight fourteen four twelve eleven ten five".split(" ");
  const row = JSON.parse(rowOf(null, new Map(words.map((word, i) => [word, i])))) as Record<string, number>;
  expect(Object.keys(row)).toEqual(order);
  const nested = new Map<string, ConnectValue>([
    [
      "b",
      [
        new Map([
          ["b", 1],
          ["a", 2],
        ]),
      ],
    ],
    ["a", null],
  ]);
  expect(rowOf(null, nested)).toBe('{"a":null,"b":[{"a":2,"b":1}]}');
});

/** The order of a java.util.HashMap filled with these keys, computed without a cache. */
function javaOrder(keys: readonly string[]): string[] {
  let buckets = 16;
  while (keys.length > buckets * 0.75) buckets *= 2;
  const bucketOf = (key: string) => {
    const hash = [...key].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0, 0);
    return (hash ^ (hash >>> 16)) & (buckets - 1);
  };
  return [...keys].sort((a, b) => bucketOf(a) - bucketOf(b));
}

const keysOf = (value: ConnectValue) => [...(value as ReadonlyMap<string, ConnectValue>).keys()];

test("each map is ordered by its own keys, independent of earlier maps", () => {
  const names = fc.shuffledSubarray("Aa BB C# id op before after source ts_ms a b c d e f".split(" "));
  fc.assert(
    fc.property(fc.array(names, { maxLength: 20 }), (maps) => {
      for (const keys of [...maps, ...maps]) {
        const filled = new Map<ConnectValue, ConnectValue>(keys.map((key, at) => [key, at]));
        const ordered = inJavaOrder(null, filled) as ReadonlyMap<string, number>;
        expect(keysOf(ordered)).toEqual(javaOrder(keys));
        for (const [key, item] of ordered) expect(filled.get(key)).toBe(item);
      }
    }),
  );
});

test("and independent of the number of earlier kinds of maps", () => {
  for (let at = 0; at < 10_000; at++) {
    const keys = ["same", `a${at}`, "b", `c${at}`, "d", `${at}`];
    expect(keysOf(inJavaOrder(null, new Map(keys.map((key) => [key, 1]))))).toEqual(javaOrder(keys));
  }
});

test("map fields of structs are ordered, too, while struct fields keep their order", () => {
  const schema = structOf([
    ["z", INT32],
    ["m", mapOf(STRING, INT32)],
    ["a", INT32],
  ]);
  const value = new ArrayStruct(schema, [
    1,
    new Map([
      ["b", 1],
      ["a", 2],
    ]),
    3,
  ]);
  expect(rowOf(schema, value)).toBe('{"z":1,"m":{"a":2,"b":1},"a":3}');
});

test("characters above U+FFFF are escaped, others are not", () => {
  expect(rowOf(STRING, "ä\u2028🙂")).toBe('"ä\u2028\\uD83D\\uDE42"');
});

test("a value that is no struct is written like Jackson writes it", () => {
  expect(rowOf(mapOf(INT32, STRING), new Map([[1, "x"]]))).toBe('{"1":"x"}');
  expect(rowOf(decimal, Buffer.from([0x30, 0x39]))).toBe("123.45");
  expect(rowOf(primitive("int32", { name: LOGICAL.date, version: 1 }), 1)).toBe("86400000");
  expect(rowOf(BYTES, Buffer.from("hi"))).toBe('"aGk="');
});

test("a list of structs is a row, though the original fails on it", () => {
  const item = structOf([["a", INT32]]);
  expect(rowOf(arrayOf(item), [new ArrayStruct(item, [1])])).toBe('[{"a":1}]');
});

test("decimals in structs follow json.decimal.format", () => {
  const schema = structOf([["d", decimal]]);
  const value = new ArrayStruct(schema, [Buffer.from([0x30, 0x39])]);
  expect(rowOf(schema, value)).toBe('{"d":"MDk="}');
  expect(rowOf(schema, value, "NUMERIC")).toBe('{"d":123.45}');
});

test("ByteArrayFormat accepts only bytes", () => {
  const format = new ByteArrayFormat(".bin", "\n", undefined);
  const recordOf = (value: ConnectValue) => new SinkRecord("o", 0, null, null, null, value, 0, null, "CreateTime");
  expect(format.row(recordOf(Buffer.from([1, 2])))).toEqual(Buffer.from([1, 2]));
  expect(() => format.row(recordOf("text"))).toThrow(expect.objectContaining({ name: "DataError" }));
});
