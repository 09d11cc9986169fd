import { LOG_LEVELS, type LoggerLevel, parseLogLevel } from "../base/log/log-levels.js";
import { PATHS } from "../contract/rest-api.js";
import { HttpError } from "./http-error.js";
import { awaitHerder, jsonBody, pathText, queryText, type RequestContext } from "./request.js";
import { parseConfigBody } from "./request-body.js";
import type { Route } from "./route.js";

/** The loggers' levels (KIP-495), on this worker or on all of the group (KIP-976). */
export function loggerRoutes(context: RequestContext): Route[] {
  const { herder, logger } = context;
  return [
    {
      path: PATHS.loggers,
      handlers: {
        get(_request, response) {
          response.json(Object.fromEntries(herder.loggers().map((each) => [each.name, shown(each)])));
        },
      },
    },
    {
      path: PATHS.logger,
      handlers: {
        get(request, response) {
          response.json(shown(herder.logger(pathText(request, "logger"))));
        },
        async put(request, response) {
          const name = pathText(request, "logger");
          const text = levelOf(await parseConfigBody(jsonBody(request)));
          const level = parseLogLevel(text);
          if (!level) throw new HttpError(404, `invalid log level '${text}'. The levels are ${LEVELS}.`);
          const scope = queryText(request, "scope") ?? "worker";
          if (scope.toLowerCase() === "cluster") {
            await awaitHerder(context, () => herder.setClusterLogLevel(name, text));
            response.status(204).end();
            return;
          }
          if (scope.toLowerCase() !== "worker") {
            logger.warn("A request to set a logger's level has an unknown scope and concerns this worker", { scope });
          }
          response.json(herder.setLogLevel(name, level));
        },
      },
    },
  ];
}

const LEVELS = LOG_LEVELS.map((level) => level.toUpperCase()).join(", ");

/** A body's level. @throws HttpError 400 */
function levelOf({ level }: Readonly<Record<string, string | null>>): string {
  if (level == null || level.trim() === "") {
    const example = `send a body such as {"level":"DEBUG"}`;
    throw new HttpError(400, `Desired 'level' parameter was not specified in request. To set it, ${example}.`);
  }
  return level;
}

function shown({ level, modifiedMs }: LoggerLevel) {
  return { level: level.toUpperCase(), last_modified: modifiedMs };
}
