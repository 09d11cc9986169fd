import { afterEach, beforeEach, expect, test } from "vitest";
import { errorText, MemoryRegistry } from "../../../support/registry.js";

let registry: MemoryRegistry;
beforeEach(async () => {
  registry = await MemoryRegistry.open();
});
afterEach(() => registry.close());

const JSON_TYPE = { schemaType: "JSON" };

test("texts of JSON Schemas in another order are others, unless they are normalised", async () => {
  const [one, other] = ['{"type":"object","title":"t"}', '{"title":"t", "type":"object"}'];
  expect(await registry.register("a", one, JSON_TYPE)).toMatchObject({ id: 1 });
  expect(await registry.register("b", other, JSON_TYPE)).toMatchObject({ id: 2, schemaType: "JSON" });
  for (const [subject, schema] of [
    ["c", one],
    ["d", other],
  ]) {
    const path = `/subjects/${subject}/versions?normalize=true`;
    const answer = await registry.call("POST", path, { schema, ...JSON_TYPE });
    expect(answer.json).toMatchObject({ id: 2, schema: '{"title":"t","type":"object"}' });
  }
});

test("a subject keeps its type, unless nothing is compared", async () => {
  await registry.register("s", '"string"');
  expect((await registry.call("POST", "/subjects/s/versions", { schema: "{}", ...JSON_TYPE })).text).toBe(
    errorText(
      40901,
      "Schema being registered is incompatible with an earlier schema for subject \"s\", details: [Incompatible because of different schema type, {validateFields: 'false', compatibility: 'BACKWARD'}]",
    ),
  );
  await registry.call("PUT", "/config/s", { compatibility: "NONE" });
  expect(await registry.register("s", "{}", JSON_TYPE)).toMatchObject({ version: 2 });
});

test("a policy of LENIENT lets optional properties come", async () => {
  const schema = (properties: string) => `{"type":"object","properties":{${properties}}}`;
  await registry.register("s", schema('"a":{"type":"string"}'), JSON_TYPE);
  const update = { schema: schema('"a":{"type":"string"},"b":{"type":"string"}'), ...JSON_TYPE };
  expect((await registry.call("POST", "/subjects/s/versions", update)).json).toMatchObject({
    error_code: 40901,
    message: expect.stringContaining(
      `{errorType:"OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", description:"The new schema has an open content model and has a property or item at path '#/properties/b' which is missing in the old schema'}, {oldSchemaVersion: 1}`,
    ) as string,
  });
  await registry.call("PUT", "/config/s", { compatibilityPolicy: "LENIENT" });
  expect((await registry.call("POST", "/subjects/s/versions", update)).status).toBe(200);
});

test("what does not parse and what is not valid are told apart", async () => {
  const refusal = async (schema: string) =>
    ((await registry.call("POST", "/subjects/s/versions", { schema, ...JSON_TYPE })).json as { message: string })
      .message;
  expect(await refusal("{")).toMatch(/^Invalid schema of type JSON, details: /);
  expect(await refusal('{"$ref":"none"}')).toMatch(/^Invalid schema \{subject=s,.*\}, details: could not resolve/);
  expect(await refusal("[]")).toMatch(/details: Invalid JSON schema: expected an object or boolean at the root$/);
});

test("references are found under the names that a schema gives them", async () => {
  await registry.register("ref", '{"type":"string"}', JSON_TYPE);
  const references = [{ name: "ref.json", subject: "ref", version: 1 }];
  const schema = '{"properties":{"a":{"$ref":"ref.json"}}}';
  expect(await registry.register("s", schema, { ...JSON_TYPE, references })).toMatchObject({ id: 2 });
});

test("a reference to what is no JSON is the client's fault", async () => {
  await registry.register("p", 'syntax = "proto3"; message A {}', { schemaType: "PROTOBUF" });
  const references = [{ name: "p", subject: "p", version: 1 }];
  const body = { schema: '{"$ref":"p"}', ...JSON_TYPE, references };
  expect((await registry.call("POST", "/subjects/s/versions", body)).json).toMatchObject({ error_code: 42201 });
});
