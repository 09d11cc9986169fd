import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from "express";
import type { Clock, Logger } from "../api/index.js";
import type { HttpClient } from "../base/http-client.js";
import { MAX_BODY_BYTES, MEDIA_TYPE } from "../contract/rest-api.js";
import type { Herder } from "../herder/herder.js";
import type { AccessRules } from "../http/access/access-rules.js";
import { authenticate, decorate } from "./access/access-handlers.js";
import { answerJson } from "./answer-json.js";
import { connectorRoutes, type TopicAnswers } from "./connector-routes.js";
import { errorBody, statusOf } from "./error-status.js";
import { HttpError } from "./http-error.js";
import { loggerRoutes } from "./logger-routes.js";
import { mediaTypeOf } from "./media-type.js";
import { pluginRoutes } from "./plugin-routes.js";
import { type MetricsPage, rootRoutes } from "./root-routes.js";
import type { Method, Route } from "./route.js";

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
export function restApp(context: RestContext, { hasAdmin }: { readonly hasAdmin: boolean }): Express {
  return appOf(context, {
    routes: hasAdmin ? restRoutes(context) : mainRoutes(context),
    decorate: decorate(context.access, context.clock),
    guard: authenticate(context.access),
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
export function adminApp(context: RestContext): Express {
  return appOf(context, {
    routes: adminRoutes(context),
    decorate: (_request, _response, next) => next(),
    guard: authenticate({ ...context.access, cors: undefined }),
  });
}

/** The routes under /admin: on REST's own listeners, unless `admin.listeners` moves or removes them. */
function adminRoutes(context: RestContext): Route[] {
  return loggerRoutes(context);
}

function appOf(
  context: RestContext,
  parts: { readonly routes: readonly Route[]; readonly decorate: RequestHandler; readonly guard: RequestHandler },
): Express {
  const { routes, decorate, guard } = parts;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.enable("case sensitive routing");
  app.response.json = answerJson;
  app.use((_request, response, next) => {
    response.setHeader("Server", `Millrace(${context.herder.version})`);
    next();
  }, decorate);
  // Strangers are refused before a body is read. The raw bytes: signatures cover them, and their numbers must not be
  // rounded.
  const before = [guard, express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false })];
  for (const route of routes) serveRoute(app, route, before, guard);
  app.use(() => {
    throw new HttpError(404, "HTTP 404 Not Found");
  });
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) context.logger.warn("A request failed", { method: request.method, path: request.path }, error);
    else context.logger.debug("A request was refused", { method: request.method, path: request.path, status });
    response.status(status).json(errorBody(error));
  });
  return app;
}

function serveRoute(
  app: Express,
  { path, produces = MEDIA_TYPE, handlers }: Route,
  before: RequestHandler[],
  guard: RequestHandler,
): void {
  const route = app.route(path);
  const checks = produces === MEDIA_TYPE ? [acceptable, ...before] : before;
  for (const [method, handler] of Object.entries(handlers)) {
    route[method as Method](...checks, handler as RequestHandler);
  }
  const methods = methodsOf(handlers);
  route.options(guard, (request: Request, response: Response) => {
    response.setHeader("Allow", methods.join(","));
    // Kafka Connect answers in any type that is asked for, with a body only in plain text.
    const type = request.accepts(["text/plain"]) ? "text/plain" : (request.accepts()[0] ?? "text/plain");
    response.setHeader("Content-Type", type);
    response.send(Buffer.from(type === "text/plain" ? methods.join(", ") : ""));
  });
  route.all(() => {
    throw new HttpError(405, "HTTP 405 Method Not Allowed");
  });
}

/** Refuses media types, as JAX-RS does once it has found the path and the method. */
const acceptable: RequestHandler = (request, _response, next) => {
  const type = request.get("content-type");
  if (type !== undefined && mediaTypeOf(type) !== MEDIA_TYPE)
    throw new HttpError(415, "HTTP 415 Unsupported Media Type");
  if (!accepts(request.get("accept"))) throw new HttpError(406, "HTTP 406 Not Acceptable");
  next();
};

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
