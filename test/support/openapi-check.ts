import { Ajv2020 } from "ajv/dist/2020.js";
import { openApiDocument } from "../../src/rest/openapi/openapi-document.js";

interface Content {
  /** By media type; only one. */
  readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>>;
}
interface Operation {
  readonly responses: Readonly<Record<string, Content>>;
}

const document = openApiDocument() as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
};
const ajv = new Ajv2020({ allowUnionTypes: true, strict: false });
ajv.addSchema({ $id: "api", components: document.components });

/** The operations by a pattern of their path. The names in a path are encoded, so no slash is part of them. */
const operations = Object.entries(document.paths).map(
  ([path, methods]) => [new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}/?$`), methods] as const,
);

/**
 * Checks a worker's answer against the OpenAPI document. Answers for paths and methods that it does not describe must be
 * errors, in the common form.
 *
 * @param path with or without a query.
 * @throws Error naming the request and what does not fit.
 */
export function checkAnswer(method: string, path: string, status: number, body: unknown): void {
  const [, methods] = operations.find(([pattern]) => pattern.test(path.split("?")[0]!)) ?? [];
  const responses = methods?.[method.toLowerCase()]?.responses ?? {};
  const response: Content | undefined = responses[status] ?? (status >= 400 ? ERROR : undefined);
  const fault = (why: string) =>
    new Error(`${method} ${path} was answered ${status}, which the OpenAPI document does not describe: ${why}`);
  if (!response) throw fault("no such status");
  const schema = Object.values(response.content ?? {})[0]?.schema;
  if (!schema) {
    if (body !== "") throw fault(`a body where none is expected, ${JSON.stringify(body)}`);
    return;
  }
  const validate = ajv.compile({ $ref: `api${schema.$ref}` });
  if (!validate(body)) throw fault(`${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`);
}

const ERROR: Content = { content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
