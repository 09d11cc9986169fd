import {
  ArrayStruct,
  arrayOf,
  INT32,
  LOGICAL,
  mapOf,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  primitive,
  STRING,
  structOf,
} from "../../../../src/api/index.js";

const timestamp = primitive("int64", { name: LOGICAL.timestamp, version: 1, optional: true });

/** A struct with one field of most kinds, and a value of it: vectors V-8 and V-10 of Confluent's converter. */
export const rec = structOf(
  [
    ["id", INT32],
    ["n", OPTIONAL_STRING],
    ["d", primitive("string", { defaultValue: "z" })],
    ["m", mapOf(STRING, INT32)],
    ["mi", mapOf(INT32, STRING, { optional: true })],
    ["l", arrayOf(OPTIONAL_INT64)],
    ["ts", timestamp],
  ],
  { name: "a.b.Rec", version: 1, doc: "rd" },
);

export const recValue = new ArrayStruct(rec, [1, "x", "y", new Map([["k", 5]]), new Map([[7, "w"]]), [1, null], 1000]);

export const REC_TEXT =
  '{"type":"record","name":"Rec","namespace":"a.b","fields":[{"name":"id","type":"int"},{"name":"n","type":["null","string"],"default":null},{"name":"d","type":{"type":"string","connect.default":"z"},"default":"z"},{"name":"m","type":{"type":"map","values":"int"}},{"name":"mi","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},{"name":"value","type":"string"}]}}],"default":null},{"name":"l","type":{"type":"array","items":["null","long"]}},{"name":"ts","type":["null",{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}],"default":null}],"connect.doc":"rd","connect.version":1,"connect.name":"a.b.Rec"}';
