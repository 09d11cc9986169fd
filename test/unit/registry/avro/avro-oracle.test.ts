import { type Schema, Type } from "avsc";
import fc from "fast-check";
import { expect, test } from "vitest";
import { avroKind } from "../../../../src/registry/avro/avro-kind.js";

const parse = (text: string) => avroKind.parse(text, new Map(), true);

/** Schemas whose rules are the same in avsc: no aliases, no enum defaults, and no union within a union's branch. */
const { schema } = fc.letrec<{ schema: Schema; plain: Schema; union: Schema }>((tie) => ({
  schema: fc.oneof({ depthSize: "small" }, tie("plain"), tie("union")),
  plain: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<Schema>("boolean", "int", "long", "float", "double", "bytes", "string"),
    fc.record({ type: fc.constant("array" as const), items: tie("schema") }) as fc.Arbitrary<Schema>,
    fc.record({ type: fc.constant("map" as const), values: tie("schema") }) as fc.Arbitrary<Schema>,
    fc
      .uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 3 })
      .chain((names) =>
        fc.tuple(
          ...names.map((name) => tie("schema").map((type) => ({ name, type }) as { name: string; type: Schema })),
        ),
      )
      .map((fields) => ({ type: "record", fields }) as unknown as Schema),
  ),
  union: fc
    .uniqueArray(fc.constantFrom<Schema>("null", "int", "string", "boolean", "double"), { minLength: 1, maxLength: 3 })
    .map((branches) => branches as Schema),
}));

/** Every record gets the name of its place, so that both sides of a comparison have the same names. */
function named(of: Schema, place = "R"): Schema {
  if (typeof of !== "object" || Array.isArray(of)) return of;
  const type = of as unknown as Record<string, unknown> & { fields?: { name: string; type: Schema }[] };
  if (type["type"] === "array")
    return { ...type, items: named(type["items"] as Schema, `${place}I`) } as unknown as Schema;
  if (type["type"] === "map")
    return { ...type, values: named(type["values"] as Schema, `${place}V`) } as unknown as Schema;
  const fields = type.fields!.map((field) => ({ name: field.name, type: named(field.type, place + field.name) }));
  return { type: "record", name: place, fields } as Schema;
}

test("a reader reads a writer's data wherever avsc's resolver does", () => {
  fc.assert(
    fc.property(schema, schema, (one, other) => {
      const [reader, writer] = [named(one), named(other)];
      let resolves = true;
      try {
        Type.forSchema(reader).createResolver(Type.forSchema(writer));
      } catch {
        resolves = false;
      }
      const faults = avroKind.faults(parse(JSON.stringify(reader)), parse(JSON.stringify(writer)), false);
      expect(faults.length === 0).toBe(resolves);
    }),
    { numRuns: 500 },
  );
});

test("the canonical text is a fixed point, and equivalent to what it was made of", () => {
  fc.assert(
    fc.property(schema, (of) => {
      const parsed = parse(JSON.stringify(named(of)));
      expect(parse(parsed.text).text).toBe(parsed.text);
      expect(parse(parsed.text).isEquivalent(parsed)).toBe(true);
      expect(parsed.normalized().normalized().text).toBe(parsed.normalized().text);
    }),
    { numRuns: 200 },
  );
});
