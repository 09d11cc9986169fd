import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from "express";
import type { Clock, Logger } from "../api/index.js";
import type { HttpClient } from "../base/http-client.js";
import { MAX_BODY_BYTES, MEDIA_TYPE } from "../contract/rest-api.js";
import type { Herder } from "../herder/herder.js";
import { connectorRoutes, type TopicAnswers } from "./connector-routes.js";
import { errorBody, statusOf } from "./error-status.js";
import { HttpError } from "./http-error.js";
import { pluginRoutes } from "./plugin-routes.js";
import { rootRoutes } from "./root-routes.js";
import type { Method, Route } from "./route.js";

/** The parts that the routes need. */
export interface RestContext {
  readonly herder: Herder;
  readonly clock: Clock;
  /** Reaches the other workers. */
  readonly http: HttpClient;
  readonly logger: Logger;
  /** Whether PUT /connectors/{name}/topics/reset and GET …/topics are allowed. */
  readonly topics: TopicAnswers;
}

/** The REST API of Kafka Connect over a herder. */
export function restApp(context: RestContext): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("json escape", false);
  // The raw bytes: signatures cover them, and their numbers must not be rounded.
  app.use(express.raw({ type: () => true, limit: MAX_BODY_BYTES }));
  for (const { path, handlers } of [
    ...rootRoutes(context),
    ...connectorRoutes(context, context.topics),
    ...pluginRoutes(context),
  ]) {
    const route = app.route(path);
    for (const [method, handler] of Object.entries(handlers)) {
      route[method as Method](acceptable, handler as RequestHandler);
    }
    route.options((_request: Request, response: Response) => {
      response.type("text/plain").send(methodsOf(handlers).join(","));
    });
    route.all(() => {
      throw new HttpError(405, "HTTP 405 Method Not Allowed");
    });
  }
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

const acceptable: RequestHandler = (request, _response, next) => {
  if (request.accepts(MEDIA_TYPE) === false) throw new HttpError(406, "HTTP 406 Not Acceptable");
  next();
};

function methodsOf(handlers: Route["handlers"]): string[] {
  const methods = Object.keys(handlers).map((method) => method.toUpperCase());
  return [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}
