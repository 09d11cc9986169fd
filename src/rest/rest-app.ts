import type { RequestListener } from "node:http";
import type { Clock, Logger } from "../api/index.js";
import type { HttpClient } from "../base/http-client.js";
import { MAX_BODY_BYTES, MEDIA_TYPE } from "../contract/rest-api.js";
import type { Herder } from "../herder/herder.js";
import { type AccessRules, type Decorate, decorate, type Guard, guard } from "./access/access-rules.js";
import { connectorRoutes, type TopicAnswers } from "./connector-routes.js";
import { errorBody, statusOf } from "./error-status.js";
import { acceptedTypes, mediaTypeOf } from "./exchange/media-type.js";
import { type PathMatch, pathMatch } from "./exchange/path-match.js";
import { readBytes } from "./exchange/request-bytes.js";
import { RestRequest } from "./exchange/rest-request.js";
import { RestResponse } from "./exchange/rest-response.js";
import type { Method, Route } from "./exchange/route.js";
import { HttpError } from "./http-error.js";
import { loggerRoutes } from "./logger-routes.js";
import { pluginRoutes } from "./plugin-routes.js";
import { type MetricsPage, rootRoutes } from "./root-routes.js";

/** The parts that the routes need. */
export interface RestContext {
  readonly herder: Herder;
  readonly clock: Clock;
  /** Reaches the other workers. */
  readonly http: HttpClient;
  readonly logger: Logger;
  /** The commit that this worker was built from, as GET / shows it. */
  readonly commit: string;
  readonly access: AccessRules;
  readonly metrics: MetricsPage;
  /** Whether PUT /connectors/{name}/topics/reset and GET …/topics are allowed. */
  readonly topics: TopicAnswers;
}

/** The REST API of Kafka Connect over a herder, and the requests between workers. */
export function restApp(context: RestContext, { hasAdmin }: { readonly hasAdmin: boolean }): RequestListener {
  return appOf(context, {
    routes: hasAdmin ? restRoutes(context) : mainRoutes(context),
    decorate: decorate(context.access, context.clock),
    guard: guard(context.access),
  });
}

/** Every route, for the test that compares them with the OpenAPI document. */
export function restRoutes(context: RestContext): Route[] {
  return [...mainRoutes(context), ...adminRoutes(context)];
}

function mainRoutes(context: RestContext): Route[] {
  return [...rootRoutes(context), ...connectorRoutes(context, context.topics), ...pluginRoutes(context)];
}

/** The app of the listeners in `admin.listeners`: as in Kafka Connect, without headers for browsers. */
export function adminApp(context: RestContext): RequestListener {
  return appOf(context, {
    routes: adminRoutes(context),
    decorate: () => {},
    guard: guard({ ...context.access, cors: undefined }),
  });
}

/** The routes under /admin: on REST's own listeners, unless `admin.listeners` moves or removes them. */
function adminRoutes(context: RestContext): Route[] {
  return loggerRoutes(context);
}

interface AppParts {
  readonly routes: readonly Route[];
  readonly decorate: Decorate;
  readonly guard: Guard;
}

function appOf({ herder, logger }: RestContext, parts: AppParts): RequestListener {
  const routes = parts.routes.map((route) => ({ route, match: pathMatch(route.path) }));
  const answer = async (request: RestRequest, response: RestResponse) => {
    try {
      response.setHeader("Server", `Millrace(${herder.version})`);
      parts.decorate(request, response);
      await serve(routeOf(routes, request), request, response, parts.guard);
    } catch (error) {
      const status = statusOf(error);
      const { method, path } = request;
      if (status >= 500) logger.warn("A request failed", { method, path }, error);
      else logger.debug("A request was refused", { method, path, status });
      if (response.headersSent) response.cut();
      else response.status(status).json(errorBody(error));
    }
  };
  return (message, response) => void answer(new RestRequest(message), new RestResponse(response));
}

/** @throws HttpError 404, or 400 for a path that is not URL-encoded */
function routeOf(routes: readonly { readonly route: Route; readonly match: PathMatch }[], request: RestRequest): Route {
  for (const { route, match } of routes) {
    const params = match(request.path);
    if (!params) continue;
    request.params = params;
    return route;
  }
  throw new HttpError(404, "HTTP 404 Not Found");
}

async function serve(route: Route, request: RestRequest, response: RestResponse, enter: Guard): Promise<void> {
  const { handlers, produces = MEDIA_TYPE } = route;
  if (request.method === "OPTIONS") {
    enter(request);
    answerOptions(request, response, methodsOf(handlers));
    return;
  }
  const handler = handlers[(request.method === "HEAD" ? "GET" : request.method).toLowerCase() as Method];
  if (!handler) throw new HttpError(405, "HTTP 405 Method Not Allowed");
  if (produces === MEDIA_TYPE) refuseMediaTypes(request);
  // Strangers are refused before a body is read.
  enter(request);
  request.body = await readBytes(request.message, MAX_BODY_BYTES);
  await handler(request, response);
}

/** As in Kafka Connect: any type that is asked for, with a body only in plain text. */
function answerOptions(request: RestRequest, response: RestResponse, methods: readonly string[]): void {
  response.setHeader("Allow", methods.join(","));
  const types = acceptedTypes(request.get("accept"));
  const isPlain = types.length === 0 || types.some((type) => ["*/*", "text/*", "text/plain"].includes(type));
  response.setHeader("Content-Type", isPlain ? "text/plain" : types[0]!);
  response.send(Buffer.from(isPlain ? methods.join(", ") : ""));
}

/** As JAX-RS does once it has found the path and the method. @throws HttpError */
function refuseMediaTypes(request: RestRequest): void {
  const type = request.get("content-type");
  if (type !== undefined && mediaTypeOf(type) !== MEDIA_TYPE)
    throw new HttpError(415, "HTTP 415 Unsupported Media Type");
  if (!accepts(request.get("accept"))) throw new HttpError(406, "HTTP 406 Not Acceptable");
}

/** Whether a client takes JSON. As in Kafka Connect, a weight orders types and does not exclude them, not even 0. */
function accepts(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === "") return true;
  return accept.split(",").some((range) => ["*/*", "application/*", MEDIA_TYPE].includes(mediaTypeOf(range)));
}

/** In the order of Kafka Connect's answers to OPTIONS. */
const METHODS = ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"];

function methodsOf(handlers: Route["handlers"]): string[] {
  const handled = new Set(Object.keys(handlers).map((method) => method.toUpperCase()));
  return METHODS.filter(
    (method) => handled.has(method) || method === "OPTIONS" || (method === "HEAD" && handled.has("GET")),
  );
}
