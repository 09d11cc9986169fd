import { PATHS } from "../contract/rest-api.js";
import { HttpError } from "./http-error.js";
import { awaitHerder, flag, jsonBody, pathText, type RequestContext } from "./request.js";
import { parseConfigBody } from "./request-body.js";
import type { Route } from "./route.js";

/** The plugins, their keys, and validation. */
export function pluginRoutes(context: RequestContext): Route[] {
  const { herder } = context;
  return [
    {
      path: PATHS.plugins,
      handlers: {
        async get(request, response) {
          const connectorsOnly = flag(request, "connectorsOnly", true);
          const plugins = await awaitHerder(context, () => herder.plugins());
          const kinds = connectorsOnly ? KINDS.slice(0, 2) : KINDS;
          response.json(kinds.flatMap((kind) => plugins.filter(({ type }) => type === kind)));
        },
      },
    },
    {
      path: PATHS.pluginConfig,
      handlers: {
        async get(request, response) {
          response.json(await awaitHerder(context, () => herder.pluginConfig(pathText(request, "plugin"))));
        },
      },
    },
    {
      path: PATHS.validate,
      handlers: {
        async put(request, response) {
          const config = await parseConfigBody(jsonBody(request));
          const plugin = pathText(request, "plugin");
          const className = config["connector.class"];
          if (className != null && !namesPlugin(className, plugin)) {
            throw new HttpError(
              400,
              `Included connector type ${className} does not match request type ${plugin}: leave connector.class out, or use its own class in the path`,
            );
          }
          // Kafka Connect requires the class in the body too; here the path suffices.
          const asked = className == null ? { ...config, "connector.class": plugin } : config;
          response.json(await awaitHerder(context, () => herder.validate(asked)));
        },
      },
    },
  ];
}

/** The order of the listing. */
const KINDS = ["sink", "source", "converter", "header_converter"] as const;

function namesPlugin(className: string, plugin: string): boolean {
  const trimmed = (name: string) => name.replace(/Connector$/, "");
  return trimmed(className).endsWith(trimmed(plugin));
}
