import type { PluginInfo } from "../contract/plugin-info.js";
import { PATHS } from "../contract/rest-api.js";
import { HttpError } from "./http-error.js";
import { awaitHerder, flag, jsonBody, pathText, queryText, type RequestContext } from "./request.js";
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
          const isConnector = ({ type }: PluginInfo) => type === "source" || type === "sink";
          response.json(connectorsOnly ? plugins.filter(isConnector) : plugins);
        },
      },
    },
    {
      path: PATHS.pluginConfig,
      handlers: {
        async get(request, response) {
          response.json(
            await awaitHerder(context, () =>
              herder.pluginConfig(pathText(request, "plugin"), queryText(request, "version")),
            ),
          );
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

function namesPlugin(className: string, plugin: string): boolean {
  const trimmed = (name: string) => name.replace(/Connector$/, "");
  return trimmed(className).endsWith(trimmed(plugin));
}
