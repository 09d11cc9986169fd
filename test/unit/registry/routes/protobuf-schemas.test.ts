import { afterEach, beforeEach, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
});
afterEach(() => registry.close());

const PROTOBUF = { schemaType: "PROTOBUF" };
const one = 'syntax = "proto3"; message A { string x = 2; int32 y = 1; }';
const other = 'syntax = "proto3"; message A { int32 y = 1; string x = 2; }';

test("fields in another order make another schema, unless it is normalised", async () => {
  expect(await registry.register("a", one, PROTOBUF)).toMatchObject({ id: 1 });
  expect(await registry.register("b", other, PROTOBUF)).toMatchObject({ id: 2, schemaType: "PROTOBUF" });
  for (const [subject, schema] of [
    ["c", one],
    ["d", other],
  ]) {
    const answer = await registry.call("POST", `/subjects/${subject}/versions?normalize=true`, { schema, ...PROTOBUF });
    expect(answer.json).toMatchObject({ id: 2 });
  }
});

test("an unknown type is refused, and imports are found among the references", async () => {
  const schema =
    'syntax = "proto3"; import "b.proto"; import "google/protobuf/timestamp.proto"; message A { B b = 1; google.protobuf.Timestamp t = 2; }';
  const refused = await registry.call("POST", "/subjects/s/versions", {
    schema: "message A { optional Foo f = 1; }",
    ...PROTOBUF,
  });
  expect(refused.text).toMatch(
    /"error_code":42201,"message":"Invalid schema \{subject=s,.*details: Could not resolve type: Foo"/,
  );
  await registry.register("b.proto", 'syntax = "proto3"; message B {}', PROTOBUF);
  const references = [{ name: "b.proto", subject: "b.proto", version: 1 }];
  expect(await registry.register("s", schema, { ...PROTOBUF, references })).toMatchObject({ id: 2 });
  expect((await registry.get("/subjects/b.proto/versions/1/referencedby")).text).toBe("[2]");
});

test("an incompatible schema is refused with its lines", async () => {
  await registry.register("s", 'syntax = "proto3"; message A { int32 n = 2; }', PROTOBUF);
  const schema = 'syntax = "proto3"; message A { double n = 2; }';
  expect((await registry.call("POST", "/subjects/s/versions", { schema, ...PROTOBUF })).text).toBe(
    errorText(
      40901,
      `Schema being registered is incompatible with an earlier schema for subject "s", details: [{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path '#/A/2' in the new schema does not match its kind in the old schema"}, {oldSchemaVersion: 1}, {oldSchema: 'syntax = "proto3";\n\nmessage A {\n  int32 n = 2;\n}\n'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`,
    ),
  );
});

test("a schema that is nested deeper than the stack is refused as the client's fault", async () => {
  const schema = `${"message A {".repeat(30_000)}${"}".repeat(30_000)}`;
  const { text } = await registry.call("POST", "/subjects/s/versions", { schema, ...PROTOBUF });
  expect(text).toBe(errorText(42201, "Invalid schema: it is nested too deeply"));
});
