import fc from "fast-check";
import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  encodeUnscaled,
  LOGICAL,
  mapOf,
  primitive,
  type Schema,
  type SchemaAttributes,
  structOf,
} from "../../../src/api/index.js";

/** A schema and its values. */
export interface TypedValues {
  readonly schema: Schema;
  readonly values: readonly ConnectValue[];
}

interface Typed {
  readonly schema: Schema;
  readonly value: fc.Arbitrary<ConnectValue>;
}

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const long = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
});
// Whole characters only: a lone surrogate has no UTF-8 form and cannot be read back.
const text = fc.string({ unit: "binary", maxLength: 80 });
const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array));

const attributes: fc.Arbitrary<SchemaAttributes> = fc.record(
  {
    name: fc.constantFrom("a.b.C", 'odd "name"'),
    version: fc.integer({ min: 1, max: 9 }),
    doc: text,
    parameters: fc.dictionary(fc.constantFrom("p", "q", "é"), text),
  },
  { requiredKeys: [] },
);

const scalar: fc.Arbitrary<Typed> = attributes.chain((given) =>
  fc.constantFrom<Typed>(
    { schema: primitive("int8", given), value: int(8) },
    { schema: primitive("int16", given), value: int(16) },
    { schema: primitive("int32", given), value: int(32) },
    { schema: primitive("int64", given), value: long },
    { schema: primitive("float32", given), value: fc.float() },
    { schema: primitive("float64", given), value: fc.double() },
    { schema: primitive("boolean", given), value: fc.boolean() },
    { schema: primitive("string", given), value: text },
    { schema: primitive("bytes", given), value: bytes },
    {
      schema: primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "3" } }),
      value: fc.bigInt(-(2n ** 90n), 2n ** 90n).map(encodeUnscaled),
    },
    { schema: primitive("int64", { name: LOGICAL.timestamp, version: 1 }), value: long },
  ),
);

const { typed } = fc.letrec<{ typed: Typed }>((tie) => ({
  typed: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    scalar.map(nullable),
    tie("typed").map(arrayTyped),
    fc.tuple(scalar, tie("typed")).map(mapTyped),
    fc
      .tuple(fc.uniqueArray(text, { maxLength: 5 }), fc.array(tie("typed"), { minLength: 5, maxLength: 5 }), attributes)
      .map(structTyped),
  ),
}));

function nullable({ schema, value }: Typed): Typed {
  return {
    schema: primitive(schema.type as "int8", { ...attributesOf(schema), optional: true }),
    value: fc.option(value, { nil: null }),
  };
}

function attributesOf({ name, version, doc, parameters }: Schema): SchemaAttributes {
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(doc !== undefined && { doc }),
    ...(parameters && { parameters }),
  };
}

function arrayTyped({ schema, value }: Typed): Typed {
  return { schema: arrayOf(schema), value: fc.array(value, { maxLength: 4 }) };
}

function mapTyped([key, item]: [Typed, Typed]): Typed {
  return {
    schema: mapOf(key.schema, item.schema),
    value: fc.array(fc.tuple(key.value, item.value), { maxLength: 4 }).map((entries) => new Map(entries)),
  };
}

function structTyped([names, fields, given]: [string[], Typed[], SchemaAttributes]): Typed {
  const used = fields.slice(0, names.length);
  const schema = structOf(
    used.map((field, i) => [names[i]!, field.schema] as const),
    given,
  );
  return {
    schema,
    value: fc.tuple(...used.map((field) => field.value)).map((values) => new ArrayStruct(schema, values)),
  };
}

/** Random schemas, each with a few values. */
export const typedValues: fc.Arbitrary<TypedValues> = typed.chain(({ schema, value }) =>
  fc.array(value, { minLength: 1, maxLength: 12 }).map((values) => ({ schema, values })),
);
