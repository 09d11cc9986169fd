import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Clock, Logger } from "../../api/index.js";
import { MAX_BODY_BYTES } from "../../contract/rest-api.js";
import type { AccessRules } from "../../http/access/access-rules.js";
import { basicCredentials, mayEnter } from "../../http/access/basic-auth.js";
import { corsHeaders, isAllowedPreflight } from "../../http/access/cors.js";
import { applyHeaderRules } from "../../http/access/header-rules.js";
import { writeJson } from "../json/write-json.js";
import { RegistryError } from "../operations/registry-error.js";
import type { Answer } from "../server/answer.js";
import { DEFAULT_TYPE, isConsumed, producedType } from "../server/media-types.js";
import { ForwardedAnswer, type RawRequest } from "../server/raw-request.js";
import { RegistryCall } from "../server/registry-call.js";
import type { RegistryContext } from "../server/registry-context.js";
import { Router } from "../server/route.js";
import { compatibilityRoutes } from "./compatibility-routes.js";
import { METRICS_TYPE, RequestMetrics } from "./request-metrics.js";
import { rootRoutes } from "./root-routes.js";
import { schemaRoutes } from "./schema-routes.js";
import { settingsRoutes } from "./settings-routes.js";
import { subjectRoutes } from "./subject-routes.js";

export interface RegistryAppOptions {
  readonly context: RegistryContext;
  readonly access: AccessRules;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An answer as it goes to the client. */
export interface WrittenAnswer {
  readonly status: number;
  /** undefined: there is no body */
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** The registry's REST API, apart from HTTP itself. */
export class RegistryApi {
  readonly #router: Router;
  readonly #metrics: RequestMetrics;

  constructor(private readonly options: RegistryAppOptions) {
    this.#metrics = new RequestMetrics(options.context);
    this.#router = new Router({
      ...rootRoutes,
      ...subjectRoutes,
      ...schemaRoutes,
      ...compatibilityRoutes,
      ...settingsRoutes,
      "GET /metrics": () => ({ text: this.#metrics.text(), type: METRICS_TYPE }),
    });
  }

  /** Carries out a request, its refusals included. @param body called once the client may call the registry */
  async answer(request: Omit<RawRequest, "body">, body: () => Promise<Buffer>): Promise<WrittenAnswer> {
    const type = producedType(request.headers.accept);
    const written = await this.#answer(request, body, type).catch((error: unknown): WrittenAnswer => {
      const refusal = error instanceof RegistryError ? error : new RegistryError(500, 500, "Internal Server Error");
      if (refusal.status >= 500) {
        const place = { method: request.method, path: request.target.split("?")[0]! };
        this.options.logger.warn("A request of the schema registry failed", place, error);
      }
      const { status, code, message } = refusal;
      const text = JSON.stringify({ error_code: code, message });
      return { status, type: type ?? DEFAULT_TYPE, body: Buffer.from(text) };
    });
    this.#metrics.count(request.method, written.status);
    return written;
  }

  async #answer(
    request: Omit<RawRequest, "body">,
    body: () => Promise<Buffer>,
    type: string | undefined,
  ): Promise<WrittenAnswer> {
    if (!mayCall(this.options.access, request)) throw new RegistryError(401, 401, "User cannot access the resource.");
    const raw = { ...request, body: await body() };
    const call = new RegistryCall(this.options.context, raw);
    const { handler, params } = this.#router.find(request.method, call.segments);
    if (raw.body.length > 0 && !isConsumed(request.headers["content-type"])) {
      throw new RegistryError(415, 415, "HTTP 415 Unsupported Media Type");
    }
    if (type === undefined && call.segments[0] !== "metrics") {
      throw new RegistryError(406, 406, "HTTP 406 Not Acceptable");
    }
    return writtenAnswer(await handler(call, ...params), type ?? DEFAULT_TYPE);
  }
}

function writtenAnswer(answer: Answer | ForwardedAnswer, type: string): WrittenAnswer {
  if (answer instanceof ForwardedAnswer) return { status: answer.status, type, body: answer.body };
  const status = answer.status ?? 200;
  if ("json" in answer) return { status, type, body: Buffer.from(writeJson(answer.json)) };
  if ("text" in answer) return { status, type: answer.type ?? type, body: Buffer.from(answer.text) };
  return { status, type: undefined, body: Buffer.alloc(0) };
}

/** The API as a listener of an HTTP server. */
export function registryApp(options: RegistryAppOptions): RequestListener {
  const api = new RegistryApi(options);
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "GET", url = "/", headers } = request;
    decorate(options, request, response);
    const { status, type, body } = await api.answer({ method, target: url, headers }, () => bodyOf(request));
    // The rest of a body that was refused would be taken for the next request.
    if (!request.complete) response.setHeader("Connection", "close");
    if (status === 204 || type === undefined) {
      response.writeHead(status).end();
      return;
    }
    response.writeHead(status, { "Content-Type": type, "Content-Length": body.length });
    response.end(method === "HEAD" ? undefined : body);
  };
  return (request, response) => {
    serve(request, response).catch((error: unknown) => {
      options.logger.debug("A request of the schema registry ended early", { why: String(error) });
      response.destroy();
    });
  };
}

/** The whole body. One that is too large is not read to its end, and its connection is closed. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new RegistryError(413, 413, "HTTP 413 Payload Too Large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decorate({ access, clock }: RegistryAppOptions, request: IncomingMessage, response: ServerResponse): void {
  const { users, cors, headers } = access;
  if (cors) {
    const found = corsHeaders(cors, corsRequest(request), { takesCredentials: users !== undefined });
    for (const [name, value] of Object.entries(found)) response.setHeader(name, value);
  }
  applyHeaderRules(headers, response, clock.nowMs());
}

/** Browsers send preflights without credentials. */
function mayCall({ users, cors }: AccessRules, request: CorsSource): boolean {
  if (!users || (cors && isAllowedPreflight(cors, corsRequest(request)))) return true;
  return mayEnter(users, basicCredentials(request.headers.authorization));
}

type CorsSource = Pick<IncomingMessage, "headers"> & { readonly method?: string | undefined };

function corsRequest({ method = "GET", headers }: CorsSource) {
  const requested = headers["access-control-request-method"];
  return { method, origin: headers.origin, requestedMethod: typeof requested === "string" ? requested : undefined };
}
