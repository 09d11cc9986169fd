import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { openApiDocument, openApiPath } from "../../../../src/rest/openapi/openapi-document.js";
import { SCHEMAS } from "../../../../src/rest/openapi/schemas.js";
import { restRoutes } from "../../../../src/rest/rest-app.js";
import { FakeHerder } from "../fake-herder.js";
import { FakeWorkers } from "../fake-workers.js";

type Paths = Readonly<Record<string, Readonly<Record<string, { readonly operationId?: string }>>>>;

const paths = openApiDocument()["paths"] as Paths;
const operations = (of: Readonly<Record<string, Readonly<Record<string, unknown>>>>) =>
  Object.entries(of)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
    .filter((operation) => !operation.startsWith("parameters "))
    .sort();

describe("the OpenAPI document", () => {
  test("describes exactly the routes that are served", () => {
    const routes = restRoutes({
      herder: new FakeHerder(),
      clock: new SimClock(),
      http: new FakeWorkers(),
      logger: silentLogger,
      commit: "",
      metrics: { mediaType: "text/plain", text: async () => "" },
      access: { users: undefined, cors: undefined, headers: [] },
      topics: { tracked: true, resettable: true },
    });
    const served = Object.fromEntries(routes.map(({ path, handlers }) => [openApiPath(path), handlers]));
    expect(operations(paths)).toEqual(operations(served));
  });

  test("names every operation once", () => {
    const ids = Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(operations(paths).length);
  });

  test("has schemas that compile, and uses each of them", () => {
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
    ajv.addKeyword("components");
    ajv.addSchema({ $id: "api", components: { schemas: SCHEMAS } });
    const text = JSON.stringify(openApiDocument());
    for (const name of Object.keys(SCHEMAS)) {
      expect(() => ajv.compile({ $ref: `api#/components/schemas/${name}` })).not.toThrow();
      expect(text).toContain(`"#/components/schemas/${name}"`);
    }
  });
});
