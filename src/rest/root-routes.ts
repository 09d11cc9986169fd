import { API_VERSION, HEALTH_TIMEOUT_MS, PATHS } from "../contract/rest-api.js";
import { awaitHerder, type RequestContext, stageText } from "./request.js";
import type { Route } from "./route.js";

/** What the worker is, and how it is. */
export function rootRoutes(context: RequestContext): Route[] {
  const { herder } = context;
  let wasReady = false;
  return [
    {
      path: PATHS.root,
      handlers: {
        async get(_request, response) {
          const clusterId = await awaitHerder(context, () => herder.clusterId());
          response.json({ version: API_VERSION, commit: `millrace-${herder.version}`, kafka_cluster_id: clusterId });
        },
      },
    },
    {
      path: PATHS.health,
      handlers: {
        async get(_request, response) {
          const health = await ping(context);
          wasReady ||= health === "healthy";
          const stage = herder.stage ? ` ${stageText(herder.stage)}` : "";
          if (health === "healthy") {
            response.json({
              status: "healthy",
              message: "Worker has completed startup and is ready to handle requests.",
            });
          } else if (health === "starting" || !wasReady) {
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

async function ping(context: RequestContext): Promise<"healthy" | "starting" | "unhealthy"> {
  try {
    const { ready } = await awaitHerder(context, () => context.herder.ping(), HEALTH_TIMEOUT_MS);
    return ready ? "healthy" : "starting";
  } catch (error) {
    context.logger.warn("A health check was not answered", {}, error);
    return "unhealthy";
  }
}
