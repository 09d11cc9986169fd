import fc from "fast-check";
import type { Fields } from "../../../src/protocol/message-fields.js";
import type { FieldShape, WireType } from "../../../src/protocol/wire-types.js";

type AnyType = WireType<unknown, unknown>;

const INT64 = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-1, 0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER));
const BYTES = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
const LONG_BYTES = fc.integer({ min: 1000, max: 3000 }).map((size) => Buffer.alloc(size, size & 0xff));
const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });

const PRIMITIVES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  i8: int(8),
  i16: int(16),
  i32: int(32),
  i64: INT64,
  f64: fc.double(),
  bool: fc.boolean(),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((each) => Buffer.from(each).toString("base64url")),
  str: fc.string({ unit: "grapheme", maxLength: 30 }),
  bytes: fc.oneof(BYTES, LONG_BYTES),
  records: fc.oneof(BYTES, LONG_BYTES),
};

/** Any value of a message as decoded from `version`: absent fields have their defaults. */
export function arbitraryMessage(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, { type, shape }] of Object.entries(fields)) members[name] = arbitraryField(type, shape, version);
  return fc.record(members);
}

function arbitraryField(type: AnyType, shape: FieldShape, version: number): fc.Arbitrary<unknown> {
  if (version < shape.first || version > shape.last) return fc.constant(shape.absent);
  const value = arbitraryValue(type, version);
  const nullable = shape.nullableFrom !== undefined && version >= shape.nullableFrom;
  return nullable ? fc.option(value, { freq: 4, nil: null }) : value;
}

function arbitraryValue(type: AnyType, version: number): fc.Arbitrary<unknown> {
  if (typeof type.kind === "string") {
    const primitive = PRIMITIVES[type.kind];
    if (!primitive) throw new Error(`No arbitrary for ${type.kind}`);
    return primitive;
  }
  if ("element" in type.kind) return fc.array(arbitraryValue(type.kind.element, version), { maxLength: 3 });
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, { type: member, shape }] of Object.entries(type.kind.fields)) {
    members[name] = arbitraryField(member, shape, version);
  }
  return fc.record(members);
}
