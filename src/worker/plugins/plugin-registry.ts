import type { ConnectorPlugin, Converter, HeaderConverter } from "../../api/index.js";
import type { Plugins } from "../worker.js";
import { type ConverterFacts, NamedPlugins, type PluginFacts } from "./named-plugins.js";

/** A converter class: for keys and values, for headers, or both. */
export interface ConverterPlugin {
  readonly className: string;
  readonly version: string;
  readonly converter?: () => Converter;
  readonly headerConverter?: () => HeaderConverter;
}

/** The plugins loaded in this thread. */
export class PluginRegistry implements Plugins {
  readonly #named: NamedPlugins<ConnectorPlugin, ConverterPlugin & ConverterFacts>;

  constructor(
    private readonly connectors: readonly ConnectorPlugin[],
    private readonly converters: readonly ConverterPlugin[],
  ) {
    const known = converters.map((plugin) => ({ ...plugin, kinds: kindsOf(plugin) }));
    this.#named = new NamedPlugins({ connectors, converters: known });
  }

  facts(): PluginFacts {
    return {
      connectors: this.connectors.map(({ type, className, taskClassName, version }) => ({
        type,
        className,
        taskClassName: String(taskClassName),
        version: String(version),
      })),
      converters: this.converters.map((plugin) => ({
        className: plugin.className,
        version: String(plugin.version),
        kinds: kindsOf(plugin),
      })),
    };
  }

  connector(classOrAlias: string): ConnectorPlugin {
    return this.#named.connector(classOrAlias);
  }

  converter(classOrAlias: string): Converter {
    return this.#named.converter(classOrAlias).converter!();
  }

  headerConverter(classOrAlias: string): HeaderConverter {
    return this.#named.headerConverter(classOrAlias).headerConverter!();
  }
}

function kindsOf({ converter, headerConverter }: ConverterPlugin): ConverterFacts["kinds"] {
  return [...(converter ? (["converter"] as const) : []), ...(headerConverter ? (["header_converter"] as const) : [])];
}
