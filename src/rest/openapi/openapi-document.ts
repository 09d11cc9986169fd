import { API_VERSION, MEDIA_TYPE, PATHS } from "../../contract/rest-api.js";
import { OPERATIONS, type Operation, type PathName } from "./operations.js";
import { SCHEMAS, type Schema, schema } from "./schemas.js";

/** A path in OpenAPI's notation, from Express's. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

/** The description of REST, in OpenAPI 3.1: served at `/openapi.json` and kept in `docs/openapi.json`. */
export function openApiDocument(): Schema {
  const names = Object.keys(PATHS) as PathName[];
  return {
    openapi: "3.1.0",
    info: {
      title: "Kafka Connect REST API, as Millrace serves it",
      version: API_VERSION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    security: [{}, { basic: [] }],
    paths: Object.fromEntries(names.map((name) => [openApiPath(PATHS[name]), pathItem(name)])),
    components: { schemas: SCHEMAS, securitySchemes: { basic: { type: "http", scheme: "basic" } } },
  };
}

function pathItem(name: PathName): Schema {
  const parameters = [...PATHS[name].matchAll(/:(\w+)/g)].map(([, parameter]) => ({
    name: parameter,
    in: "path",
    required: true,
    schema: { type: parameter === "task" ? "integer" : "string" },
  }));
  const operations = Object.entries(OPERATIONS[name]).map(([method, operation]) => [
    method,
    operationObject(`${method}-${name}`, operation),
  ]);
  return { ...(parameters.length > 0 && { parameters }), ...Object.fromEntries(operations) };
}

function operationObject(
  operationId: string,
  { summary, query, body, answers, produces = MEDIA_TYPE, isInternal }: Operation,
): Schema {
  const parameters = Object.entries(query ?? {}).map(([name, of]) => ({ name, in: "query", schema: of }));
  const responses = Object.entries(answers).map(([status, name]) => [
    status,
    { description: DESCRIPTIONS[status] ?? "", ...(name && { content: { [produces]: { schema: schema(name) } } }) },
  ]);
  return {
    operationId,
    summary,
    ...(isInternal && { "x-internal": true }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: { [MEDIA_TYPE]: { schema: schema(body) } } } }),
    responses: {
      ...Object.fromEntries(responses),
      default: { description: "An error", content: { [MEDIA_TYPE]: { schema: schema("Error") } } },
    },
  };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: "The answer",
  201: "Created; its address is in Location",
  202: "Accepted; it happens soon",
  204: "Done",
  500: "Unhealthy",
  503: "Starting",
};
