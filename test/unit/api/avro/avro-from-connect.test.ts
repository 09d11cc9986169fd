import { describe, expect, test } from "vitest";
import {
  AVRO_DATA_DEFAULTS,
  type AvroDataSettings,
  type AvroRecord,
  arrayOf,
  avroFromConnect,
  avroFullName,
  avroText,
  BYTES,
  connectFromAvro,
  FLOAT64,
  INT32,
  INT64,
  LOGICAL,
  mapOf,
  OPTIONAL_INT32,
  OPTIONAL_STRING,
  parseAvro,
  primitive,
  type Schema,
  STRING,
  structOf,
  withAttributes,
} from "../../../../src/api/index.js";
import { sameSchema } from "../../../../src/api/values/schema-equality.js";
import { REC_TEXT, rec } from "./avro-schemas.js";

function text(schema: Schema | null, settings: Partial<AvroDataSettings> = {}): string {
  return avroText(avroFromConnect(schema, { ...AVRO_DATA_DEFAULTS, ...settings }));
}

function fieldText(schema: Schema, settings: Partial<AvroDataSettings> = {}): string {
  const whole = text(structOf([["f", schema]], { name: "R" }), settings);
  return whole.slice(whole.indexOf('"fields":[') + 10, whole.lastIndexOf("]"));
}

const x = structOf([["x", INT32]], { optional: true });

describe("the text that Confluent's converter registers", () => {
  test("a record with one field of most kinds (V-10)", () => {
    expect(text(rec)).toBe(REC_TEXT);
  });

  test("a primitive with every attribute, with and without connect.meta.data (V-11)", () => {
    const schema = primitive("int32", {
      name: "my.Nm",
      doc: "dd",
      version: 2,
      defaultValue: 3,
      parameters: { k: "v" },
    });
    expect(text(schema)).toBe(
      '{"type":"int","connect.doc":"dd","connect.version":2,"connect.parameters":{"k":"v"},"connect.default":3,"connect.name":"my.Nm"}',
    );
    expect(text(schema, { metaData: false })).toBe('"int"');
  });

  test("structs without a name (V-12)", () => {
    const y = structOf([["y", STRING]]);
    expect(
      text(
        structOf([
          ["i", x],
          ["j", y],
        ]),
      ),
    ).toBe(
      '{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[{"name":"i","type":["null",{"type":"record","name":"ConnectDefault2","fields":[{"name":"x","type":"int"}]}],"default":null},{"name":"j","type":{"type":"record","name":"ConnectDefault3","fields":[{"name":"y","type":"string"}]}}]}',
    );
  });

  test("no schema (V-9)", () => {
    expect(text(null)).toBe(
      '{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[{"name":"boolean","type":["null","boolean"],"default":null},{"name":"bytes","type":["null","bytes"],"default":null},{"name":"double","type":["null","double"],"default":null},{"name":"float","type":["null","float"],"default":null},{"name":"int","type":["null","int"],"default":null},{"name":"long","type":["null","long"],"default":null},{"name":"string","type":["null","string"],"default":null},{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}',
    );
  });

  test("types and logical types", () => {
    expect(text(primitive("int8"))).toBe('{"type":"int","connect.type":"int8"}');
    expect(text(primitive("int16"), { metaData: false })).toBe('"int"');
    expect(text(FLOAT64)).toBe('"double"');
    expect(text(primitive("int32", { name: LOGICAL.date, version: 1 }), { metaData: false })).toBe(
      '{"type":"int","logicalType":"date"}',
    );
    expect(text(primitive("int32", { name: LOGICAL.time, version: 1 }))).toBe(
      '{"type":"int","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Time","logicalType":"time-millis"}',
    );
    const decimal = primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } });
    expect(text(decimal)).toBe(
      '{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}',
    );
    const precise = { scale: "2", "connect.decimal.precision": "10" };
    expect(text(withAttributes(decimal, { parameters: precise }), { metaData: false })).toBe(
      '{"type":"bytes","scale":2,"precision":10,"logicalType":"decimal"}',
    );
  });

  test("optional fields: null first, or the type of the default first", () => {
    expect(fieldText(OPTIONAL_INT32)).toBe('{"name":"f","type":["null","int"],"default":null}');
    expect(fieldText(primitive("int32", { optional: true, defaultValue: 4 }))).toBe(
      '{"name":"f","type":[{"type":"int","connect.default":4},"null"],"default":4}',
    );
    const snapshot = primitive("string", {
      name: "io.debezium.data.Enum",
      version: 1,
      optional: true,
      defaultValue: "false",
      parameters: { allowed: "true,first,last,false" },
    });
    expect(fieldText(snapshot)).toBe(
      '{"name":"f","type":[{"type":"string","connect.version":1,"connect.parameters":{"allowed":"true,first,last,false"},"connect.default":"false","connect.name":"io.debezium.data.Enum"},"null"],"default":"false"}',
    );
  });

  test("defaults: long beyond 2^53, float, double, bytes, and one that Avro does not accept", () => {
    expect(fieldText(primitive("int64", { defaultValue: 9007199254740993n }))).toContain('"default":9007199254740993}');
    expect(fieldText(primitive("float64", { defaultValue: 1 }))).toContain('"default":1.0}');
    expect(fieldText(primitive("bytes", { defaultValue: Buffer.from([0xff, 1]) }))).toContain('"default":"ÿ\\u0001"}');
    const pairs = mapOf(INT32, STRING, { defaultValue: new Map([[1, "a"]]) });
    expect(fieldText(pairs)).toBe(
      '{"name":"f","type":{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[{"name":"key","type":"int"},{"name":"value","type":"string"}]},"connect.default":[[1,"a"]]}}',
    );
  });

  test("the second use of a named struct is its name, with other parameters of its own", () => {
    const value = structOf([["id", INT64]], { name: "shop.Value", optional: true });
    const other = withAttributes(value, { parameters: { k: "v" } });
    expect(
      text(
        structOf(
          [
            ["before", value],
            ["after", value],
          ],
          { name: "shop.Envelope" },
        ),
      ),
    ).toBe(
      '{"type":"record","name":"Envelope","namespace":"shop","fields":[{"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"long"}],"connect.name":"shop.Value"}],"default":null},{"name":"after","type":["null","Value"],"default":null}],"connect.name":"shop.Envelope"}',
    );
    expect(
      text(
        structOf(
          [
            ["before", value],
            ["after", other],
          ],
          { name: "shop.Envelope" },
        ),
      ),
    ).toContain('{"name":"after","type":["null","Value"],"default":null,"connect.parameters":{"k":"v"}}');
  });

  test("two different structs of one name are refused", () => {
    const one = structOf([["id", INT64]], { name: "shop.Value" });
    const two = structOf([["id", STRING]], { name: "shop.Value" });
    expect(() =>
      text(
        structOf([
          ["a", one],
          ["b", two],
        ]),
      ),
    ).toThrow("Can't redefine: shop.Value");
  });

  test("equal structs without a name are one type", () => {
    expect(
      text(
        structOf([
          ["a", x],
          ["b", x],
        ]),
      ),
    ).toContain('{"name":"b","type":["null","ConnectDefault2"],"default":null}');
  });

  test("named maps, optional keys, unions, fixed, documentation", () => {
    expect(text(mapOf(INT32, STRING, { name: "a.M" }))).toBe(
      '{"type":"array","items":{"type":"record","name":"M","namespace":"a","fields":[{"name":"key","type":"int"},{"name":"value","type":"string"}],"connect.internal.type":"MapEntry"},"connect.name":"a.M"}',
    );
    expect(text(mapOf(OPTIONAL_STRING, INT32), { optionalMapKeys: true })).toBe('{"type":"map","values":"int"}');
    const union = structOf(
      [
        ["int", OPTIONAL_INT32],
        ["string", OPTIONAL_STRING],
      ],
      {
        name: "io.confluent.connect.avro.Union",
        optional: true,
      },
    );
    expect(text(union)).toBe('["null","int","string"]');
    expect(text(withAttributes(union, { optional: false }))).toBe('["int","string"]');
    expect(
      text(withAttributes(BYTES, { name: "a.F", parameters: { "connect.fixed.size": "4" } }), { metaData: false }),
    ).toBe('{"type":"fixed","name":"F","namespace":"a","size":4}');
    const documented = structOf([["f", STRING]], {
      name: "a.R",
      parameters: { "io.confluent.connect.avro.record.doc": "rd", "io.confluent.connect.avro.field.doc.f": "fd" },
    });
    expect(text(documented, { metaData: false })).toBe(
      '{"type":"record","name":"R","namespace":"a","doc":"rd","fields":[{"name":"f","type":"string","doc":"fd"}]}',
    );
  });

  test("enums: text, or Avro's own with enhanced.avro.schema.support", () => {
    const parameters = {
      "io.confluent.connect.avro.Enum": "a.Suit",
      "io.confluent.connect.avro.Enum.HEARTS": "HEARTS",
    };
    const suit = primitive("string", { name: "a.Suit", parameters });
    expect(text(suit, { metaData: false })).toBe('"string"');
    expect(text(suit, { metaData: false, enhancedSupport: true })).toBe(
      '{"type":"enum","name":"Suit","namespace":"a","symbols":["HEARTS"]}',
    );
  });

  test("scrub.invalid.names", () => {
    const schema = structOf(
      [
        ["a-b", STRING],
        ["é", STRING],
        ["1rec", STRING],
        ["$", STRING],
      ],
      { name: "x-y.1R" },
    );
    expect(text(schema, { scrubNames: true })).toBe(
      '{"type":"record","name":"x1R","namespace":"x_y","fields":[{"name":"a_b","type":"string"},{"name":"_C3_A9","type":"string"},{"name":"x1rec","type":"string"},{"name":"_24","type":"string"}],"connect.name":"x-y.1R"}',
    );
  });

  test("nesting of collections", () => {
    expect(text(arrayOf(mapOf(STRING, arrayOf(INT32, { optional: true }))))).toBe(
      '{"type":"array","items":{"type":"map","values":["null",{"type":"array","items":"int"}]}}',
    );
  });
});

describe("a parsed text", () => {
  test.each([REC_TEXT, text(null), '"string"', '["null",{"type":"fixed","name":"F","size":2}]'])(
    "prints the same",
    (it) => {
      expect(avroText(parseAvro(it))).toBe(it);
    },
  );

  test("is canonical (V-20), with numbers as Java prints them", () => {
    expect(avroText(parseAvro('{"type":"record","name":"n.A","fields":[{"type":"int","name":"f"}]}'))).toBe(
      '{"type":"record","name":"A","namespace":"n","fields":[{"name":"f","type":"int"}]}',
    );
    expect(avroText(parseAvro('{"type":"string"}'))).toBe('"string"');
    expect(
      avroText(
        parseAvro('{"fields":[{"default":1.50,"type":"double","name":"f","x":1e10}],"type":"record","name":"A"}'),
      ),
    ).toBe('{"type":"record","name":"A","fields":[{"name":"f","type":"double","default":1.5,"x":1.0E10}]}');
    expect(avroText(parseAvro('{"type":"bytes","precision":4,"logicalType":"decimal","scale":0}'))).toBe(
      '{"type":"bytes","precision":4,"logicalType":"decimal","scale":0}',
    );
  });

  test("finds types of references, and names them only", () => {
    const reference = '{"type":"record","name":"a.B","fields":[]}';
    const schema = parseAvro('{"type":"record","name":"a.C","fields":[{"name":"b","type":"B"}]}', [reference]);
    expect(avroText(schema, new Set(["a.B"]))).toBe(
      '{"type":"record","name":"C","namespace":"a","fields":[{"name":"b","type":"B"}]}',
    );
  });

  test.each([
    ["{", "The Avro schema is no JSON, from character 1 on"],
    ['"strin"', 'Undefined name: "strin"'],
    ['{"type":"enum","name":"E","symbols":["A","A"]}', "Duplicate enum symbol: A"],
    ['{"type":"record","name":"a-b","fields":[]}', "Illegal character in: a-b"],
    ['["int","int"]', "Duplicate in union: int"],
    [
      '{"type":"record","name":"R","fields":[{"name":"f","type":"int"},{"name":"f","type":"int"}]}',
      "Duplicate field f",
    ],
  ])("%s is refused", (it, message) => {
    expect(() => parseAvro(it)).toThrow(message);
  });
});

describe("records that name each other in countless ways", () => {
  /** Each has a field of every other one. */
  const ring = (size: number) => {
    const defined = new Set<number>();
    const record = (at: number): string => {
      if (defined.has(at)) return `"R${at}"`;
      defined.add(at);
      const fields = Array.from({ length: size }, (_, to) => `{"name":"f${to}","type":["null",${record(to)}]}`);
      return `{"type":"record","name":"R${at}","fields":[${fields.join(",")}]}`;
    };
    return record(0);
  };

  test("are mapped once they are too many, and are the same in both directions", () => {
    const schema = connectFromAvro(parseAvro(ring(14)))!;
    const again = connectFromAvro(parseAvro(ring(14)))!;
    expect(schema.field("f13")!.schema.field("f3")!.schema.field("f5")!.schema.name).toBe("R5");
    expect(sameSchema(schema, again)).toBe(true);
    expect(avroFullName(avroFromConnect(connectFromAvro(parseAvro(ring(4)))!) as AvroRecord)).toBe("R0");
  });

  test("a chain whose links are used twice is short", () => {
    let text = '"int"';
    for (let at = 40; at > 0; at--) {
      const again = at === 40 ? text : `"C${at + 1}"`;
      text = `{"type":"record","name":"C${at}","fields":[{"name":"l","type":${text}},{"name":"r","type":["null",${again}]}]}`;
    }
    const schema = connectFromAvro(parseAvro(text))!;
    expect(schema.field("r")!.schema).toMatchObject({ name: "C2", optional: true });
  });
});

describe("names that would make a file or a record unreadable are refused", () => {
  const text = (schema: Schema, settings = AVRO_DATA_DEFAULTS) => avroText(avroFromConnect(schema, settings));
  const enumOf = (...symbols: string[]) => {
    const key = "io.confluent.connect.avro.Enum";
    const parameters = Object.fromEntries([[key, "E"], ...symbols.map((symbol) => [`${key}.${symbol}`, symbol])]);
    return primitive("string", { parameters });
  };
  const enhanced = { ...AVRO_DATA_DEFAULTS, enhancedSupport: true };
  const scrubbing = { ...enhanced, scrubNames: true };

  test.each<[string, Schema, string]>([
    ["a field", structOf([["a-b", INT32]]), "a-b"],
    ["a digit first", structOf([["1x", INT32]]), "1x"],
    ["an empty field", structOf([["", INT32]]), ""],
    ["a record", structOf([["x", INT32]], { name: "a.b-c" }), "b-c"],
    ["a symbol", structOf([["e", enumOf("A B")]]), "A B"],
  ])("%s", (_what, schema, name) => {
    expect(() => text(schema, enhanced)).toThrow(`Illegal name for Avro: ${JSON.stringify(name)}`);
  });

  test("letters of any script are none", () => {
    expect(text(structOf([["größe_1", INT32]], { name: "a-b.Tür" }))).toContain('"größe_1"');
  });

  test("two names that are scrubbed alike", () => {
    const fields = structOf([
      ["a-b", INT32],
      ["a_b", INT32],
    ]);
    expect(() => text(fields, scrubbing)).toThrow("Duplicate field a_b in ConnectDefault");
    expect(() => text(structOf([["e", enumOf("a-b", "a_b")]]), scrubbing)).toThrow("Duplicate enum symbol a_b in E");
  });

  test("a type within another one of the same name", () => {
    const inner = structOf([["x", INT32]], { name: "S" });
    expect(() => text(structOf([["s", inner]], { name: "S" }))).toThrow("Can't redefine: S");
  });
});
