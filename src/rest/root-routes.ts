import { API_VERSION, HEALTH_TIMEOUT_MS, PATHS } from "../contract/rest-api.js";
import { awaitHerder, type RequestContext, stageText } from "./request.js";
import type { Route } from "./route.js";

/** The page of /metrics. */
export interface MetricsPage {
  readonly mediaType: string;
  text(): Promise<string>;
}

/** Prometheus gives up after 10 s. */
const METRICS_TIMEOUT_MS = 8_000;

/** The worker's version, health and metrics, and the description of its API. */
export function rootRoutes(
  context: RequestContext & { readonly commit: string; readonly metrics: MetricsPage },
): Route[] {
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
      path: PATHS.metrics,
      produces: context.metrics.mediaType,
      handlers: {
        async get(_request, response) {
          const text = await awaitHerder(context, () => context.metrics.text(), METRICS_TIMEOUT_MS);
          response.setHeader("Content-Type", context.metrics.mediaType);
          response.send(Buffer.from(text));
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
