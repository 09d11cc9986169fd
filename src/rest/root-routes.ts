import { API_VERSION, HEALTH_TIMEOUT_MS, PATHS } from "../contract/rest-api.js";
import { awaitHerder, type RequestContext, stageText } from "./request.js";
import type { Route } from "./route.js";

/** The worker's version and health, and the description of its API. */
export function rootRoutes(context: RequestContext & { readonly commit: string }): Route[] {
  const { herder } = context;
  return [
    {
      path: PATHS.root,
      handlers: {
        async get(_request, response) {
          const clusterId = await awaitHerder(context, () => herder.clusterId());
          response.json({ version: API_VERSION, commit: context.commit, kafka_cluster_id: clusterId });
        },
      },
    },
    {
      path: PATHS.openapi,
      handlers: {
        async get(_request, response) {
          const { openApiDocument } = await import("./openapi/openapi-document.js");
          response.json(openApiDocument());
        },
      },
    },
    {
      path: PATHS.health,
      handlers: {
        async get(_request, response) {
          const answered = await ping(context);
          const stage = herder.stage ? ` ${stageText(herder.stage)}` : "";
          if (answered && herder.ready) {
            response.json({
              status: "healthy",
              message: "Worker has completed startup and is ready to handle requests.",
            });
          } else if (!herder.ready) {
            response.status(503).json({ status: "starting", message: `Worker is still starting up.${stage}` });
          } else {
            response.status(500).json({
              status: "unhealthy",
              message: `Worker was unable to handle this request and may be unable to handle other requests.${stage}`,
            });
          }
        },
      },
    },
  ];
}

/** Whether the herder's loop answered in time. */
async function ping(context: RequestContext): Promise<boolean> {
  try {
    await awaitHerder(context, () => context.herder.ping(), HEALTH_TIMEOUT_MS);
    return true;
  } catch (error) {
    context.logger.warn("The herder did not answer a health check", {}, error);
    return false;
  }
}
