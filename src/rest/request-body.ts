import type { ErrorObject, ValidateFunction } from "ajv";
import { parseJsonNumbers } from "../base/exact-json.js";
import type { SubmittedConfig } from "../contract/connector-info.js";
import { HttpError } from "./http-error.js";
import { jsonFaultAt } from "./json-fault.js";

/** The body of POST /connectors. */
export interface CreateRequest {
  readonly name?: string | null;
  readonly config?: SubmittedConfig | null;
  readonly initial_state?: string | null;
}

// Numbers are text by then: config values are text, and 1.0 or 10000000000000000001 must arrive as written.
const CONFIG = {
  type: "object",
  additionalProperties: { type: ["string", "boolean", "null"] },
} as const;

const SCHEMAS = {
  create: {
    type: "object",
    properties: {
      name: { type: ["string", "null"] },
      config: { ...CONFIG, type: ["object", "null"] },
      initial_state: { type: ["string", "null"] },
    },
    additionalProperties: false,
  },
  config: CONFIG,
  taskConfigs: { type: "array", items: CONFIG },
} as const;

type SchemaName = keyof typeof SCHEMAS;

const validators = new Map<SchemaName, Promise<ValidateFunction>>();

/** Compiled for the first body of its kind, because ajv costs more than the rest of the server's start. */
function validatorOf(name: SchemaName): Promise<ValidateFunction> {
  const known = validators.get(name);
  if (known) return known;
  const compiled = import("ajv").then(({ Ajv }) => new Ajv({ allowUnionTypes: true }).compile(SCHEMAS[name]));
  validators.set(name, compiled);
  return compiled;
}

/** Parses the body of POST /connectors. @throws HttpError 400 naming the fault */
export async function parseCreateRequest(body: Buffer): Promise<CreateRequest> {
  const request = (await parse(body, "create")) as CreateRequest;
  return { ...request, ...(request.config && { config: textsOf(request.config) }) };
}

/** Parses a flat config map. @throws HttpError 400 naming the fault */
export async function parseConfigBody(body: Buffer): Promise<SubmittedConfig> {
  return textsOf((await parse(body, "config")) as SubmittedConfig);
}

/** Parses the task configs that a worker wants published. @throws HttpError 400 naming the fault */
export async function parseTaskConfigs(body: Buffer): Promise<SubmittedConfig[]> {
  return ((await parse(body, "taskConfigs")) as SubmittedConfig[]).map(textsOf);
}

/**
 * Parses a body as JSON, by `read`.
 *
 * @throws HttpError 400 naming the fault
 */
export function parseJson<T>(body: Buffer, read: (text: string) => T): T {
  if (body.length === 0) throw new HttpError(400, "The request has no body: send JSON");
  const text = textOf(body);
  try {
    return read(text);
  } catch {
    // With the position, but without the parser's error, which quotes the body and its secrets.
    throw new HttpError(400, `The request body is not JSON: ${faultOf(text)}`);
  }
}

async function parse(body: Buffer, schema: SchemaName): Promise<unknown> {
  const value = parseJson(body, (text) => parseJsonNumbers(text, (literal) => literal));
  const validate = await validatorOf(schema);
  if (!validate(value)) throw new HttpError(400, complaint(validate.errors?.[0]));
  return value;
}

/** The body as text, without the byte order mark that some editors write. @throws HttpError 400 */
function textOf(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new HttpError(400, "The request body is not JSON: its bytes are not UTF-8", { cause });
  }
}

function faultOf(text: string): string {
  const at = jsonFaultAt(text);
  if (at === undefined) return "it is nested too deeply, or a text in it is too long";
  if (at === text.length) return "it ends too early";
  const lines = text.slice(0, at).split("\n");
  return `it cannot be read from line ${lines.length}, column ${lines.at(-1)!.length + 1} on`;
}

function complaint(error: ErrorObject | undefined): string {
  const at = error?.instancePath ? error.instancePath.slice(1).replaceAll("/", ".") : "the request body";
  if (error?.keyword === "additionalProperties") {
    const allowed = Object.keys(SCHEMAS.create.properties).join(", ");
    return `Unrecognized field "${error.params["additionalProperty"]}" in ${at}: known fields are ${allowed}`;
  }
  const wanted = [error?.params?.["type"]].flat().join(", ");
  if (at.startsWith("config.") || /^string/.test(wanted)) {
    return `Cannot deserialize value of ${at}: a config value is text, a number, true or false, not an object or a list`;
  }
  return `Cannot deserialize value of ${at}: ${error?.message ?? "it does not fit"}`;
}

function textsOf(config: Readonly<Record<string, unknown>>): SubmittedConfig {
  // Not by assignment, which loses a key `__proto__`.
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, value === null ? null : String(value)]));
}
