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
  type SchemaType,
  structOf,
} from "../../../../src/api/index.js";

/** A schema without the names that must be unique within it. */
type Shape =
  | {
      readonly kind: Exclude<SchemaType, "array" | "map" | "struct"> | "decimal" | "fixed";
      readonly optional: boolean;
      readonly extra?: Extra;
    }
  | { readonly kind: "array"; readonly optional: boolean; readonly items: Shape }
  | { readonly kind: "map"; readonly optional: boolean; readonly keys: Shape; readonly values: Shape }
  | { readonly kind: "struct" | "union"; readonly optional: boolean; readonly fields: readonly Shape[] };

/** Attributes of a scalar. */
interface Extra extends SchemaAttributes {
  readonly isNamed: boolean;
  readonly hasDefault: boolean;
}

const SCALARS = [
  "int8",
  "int16",
  "int32",
  "int64",
  "float32",
  "float64",
  "boolean",
  "string",
  "bytes",
  "decimal",
  "fixed",
] as const;
const extra: fc.Arbitrary<Extra> = fc.record(
  {
    isNamed: fc.boolean(),
    hasDefault: fc.boolean(),
    doc: fc.string(),
    version: fc.integer({ min: 1, max: 9 }),
    parameters: fc.dictionary(fc.constantFrom("p", "q", "é", "avro.x"), fc.string(), { minKeys: 1 }),
  },
  { requiredKeys: ["isNamed", "hasDefault"] },
);
const plainScalar = fc.record({ kind: fc.constantFrom(...SCALARS), optional: fc.boolean() });
const richScalar = fc.record({ kind: fc.constantFrom(...SCALARS), optional: fc.boolean(), extra });
const scalar = fc.oneof(plainScalar, richScalar);
const key = fc.record({
  kind: fc.constantFrom("string" as const, "string" as const, "int32" as const, "int64" as const),
  optional: fc.constant(false),
});
/** Branches of different Avro types. */
const branches = fc
  .uniqueArray(fc.constantFrom("int32", "int64", "float64", "boolean", "string", "bytes", "fixed"), { minLength: 2 })
  .map((kinds) => kinds.map((kind) => ({ kind, optional: true }) as Shape));

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.record({ kind: fc.constant("array" as const), optional: fc.boolean(), items: tie("shape") }),
    fc.record({ kind: fc.constant("map" as const), optional: fc.boolean(), keys: key, values: tie("shape") }),
    fc.record({
      kind: fc.constant("struct" as const),
      optional: fc.boolean(),
      fields: fc.array(tie("shape"), { maxLength: 6 }),
    }),
  ),
}));
const field = fc.oneof(
  { weight: 5, arbitrary: shape },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("union" as const), optional: fc.boolean(), fields: branches }),
  },
);

function schemaOf(shape: Shape, path: string): Schema {
  const { optional } = shape;
  switch (shape.kind) {
    case "array":
      return arrayOf(schemaOf(shape.items, `${path}_i`), { optional });
    case "map":
      return mapOf(schemaOf(shape.keys, `${path}_k`), schemaOf(shape.values, `${path}_v`), {
        optional,
        name: `maps.${path}`,
      });
    case "struct":
    case "union": {
      const fields = shape.fields.map((each, i) => [`f${i}`, schemaOf(each, `${path}_${i}`)] as const);
      const name = shape.kind === "union" ? "io.confluent.connect.avro.Union" : `structs.${path}`;
      return structOf(fields, { optional, name });
    }
    case "decimal":
      return primitive("bytes", {
        optional,
        ...defaultOf(shape),
        name: LOGICAL.decimal,
        version: 1,
        parameters: { scale: "3" },
      });
    case "fixed":
      return primitive("bytes", { optional, name: `fixed.${path}`, parameters: { "connect.fixed.size": "3" } });
    default: {
      const { isNamed, hasDefault: _, ...attributes } = shape.extra ?? { isNamed: false };
      return primitive(shape.kind, {
        optional,
        ...attributes,
        ...defaultOf(shape),
        ...(isNamed && { name: `named.${path}` }),
      });
    }
  }
}

/** Of kinds that avsc can check defaults of, too. */
const DEFAULTS: Readonly<Record<string, ConnectValue>> = {
  int8: -3,
  int16: 300,
  int32: 2 ** 31 - 1,
  float32: Math.fround(0.1),
  float64: 1e21,
  boolean: true,
  string: 'a "default" é\u0001',
  bytes: Buffer.from([0xff, 0, 0x41]),
  decimal: encodeUnscaled(-1230n),
};

function defaultOf({ kind, extra }: { readonly kind: string; readonly extra?: Extra | undefined }): SchemaAttributes {
  return extra?.hasDefault && DEFAULTS[kind] !== undefined ? { defaultValue: DEFAULTS[kind] } : {};
}

const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const long = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-(2n ** 34n), 2n ** 34n)).map((value) => {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
});
const text = fc.oneof(fc.string({ maxLength: 90 }), fc.string({ unit: "binary", maxLength: 90 }));

function valuesOf(schema: Schema): fc.Arbitrary<ConnectValue> {
  const values = requiredValues(schema);
  // A null where there is a default becomes the default.
  return schema.optional && !schema.hasDefault ? fc.option(values, { nil: null }) : values;
}

function requiredValues(schema: Schema): fc.Arbitrary<ConnectValue> {
  switch (schema.type) {
    case "int8":
      return int(8);
    case "int16":
      return int(16);
    case "int32":
      return int(32);
    case "int64":
      return long;
    case "float32":
      return fc.float();
    case "float64":
      return fc.double();
    case "boolean":
      return fc.boolean();
    case "string":
      return text;
    case "bytes": {
      if (schema.name === LOGICAL.decimal) return fc.bigInt(-(2n ** 90n), 2n ** 90n).map(encodeUnscaled);
      const isFixed = schema.parameters !== undefined;
      return fc
        .uint8Array(isFixed ? { minLength: 3, maxLength: 3 } : { maxLength: 80 })
        .map((bytes) => Buffer.from(bytes));
    }
    case "array":
      return fc.array(valuesOf(schema.valueSchema!), { maxLength: 4 });
    case "map":
      return (
        fc
          .array(fc.tuple(valuesOf(schema.keySchema!), valuesOf(schema.valueSchema!)), { maxLength: 4 })
          // Names that an object keeps in their order: avsc's maps are objects.
          .map(
            (entries) => new Map(entries.map(([name, item]) => [typeof name === "string" ? `k${name}` : name, item])),
          )
      );
    case "struct": {
      if (schema.name !== "io.confluent.connect.avro.Union") {
        const fields = schema.fields.map((each) => valuesOf(each.schema));
        return fc.tuple(...fields).map((values) => new ArrayStruct(schema, values));
      }
      return fc.nat(schema.fields.length - 1).chain((set) =>
        requiredValues(schema.fields[set]!.schema).map((value) => {
          return new ArrayStruct(
            schema,
            schema.fields.map((_, i) => (i === set ? value : null)),
          );
        }),
      );
    }
  }
}

/** Random schemas that Avro can express, each with a few values. */
export const randomAvroValues: fc.Arbitrary<{ schema: Schema; values: ConnectValue[] }> = fc
  .array(field, { minLength: 1, maxLength: 6 })
  .chain((fields) => {
    const schema = schemaOf({ kind: "struct", optional: false, fields }, "root");
    return fc.array(valuesOf(schema), { minLength: 1, maxLength: 8 }).map((values) => ({ schema, values }));
  });
