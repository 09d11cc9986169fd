import type { ConnectorPlugin, ConverterPlugin, PredicatePlugin, TransformationPlugin } from "../../api/index.js";
import type { ClassFacts, PluginKind, Plugins, PluginsOfKind } from "../worker.js";
import { NamedPlugins, type PluginFacts, type PluginLists } from "./named-plugins.js";

/** What the entry module of a plugin package exports. */
export type Plugin = ConnectorPlugin | ConverterPlugin | TransformationPlugin | PredicatePlugin;

/** The plugins loaded in this thread. */
export class PluginRegistry implements Plugins {
  readonly #lists: PluginLists<PluginsOfKind>;
  readonly #named: NamedPlugins<PluginsOfKind>;

  constructor(plugins: readonly Plugin[]) {
    const connector: ConnectorPlugin[] = [];
    const transformation: TransformationPlugin[] = [];
    const predicate: PredicatePlugin[] = [];
    const converter: PluginsOfKind["converter"][] = [];
    const header_converter: PluginsOfKind["header_converter"][] = [];
    for (const plugin of plugins) {
      if (isConnector(plugin)) connector.push(plugin);
      if (isTransformation(plugin)) transformation.push(plugin);
      if (isPredicate(plugin)) predicate.push(plugin);
      if (convertsRecords(plugin)) converter.push(plugin);
      if (convertsHeaders(plugin)) header_converter.push(plugin);
    }
    this.#lists = { connector, transformation, predicate, converter, header_converter };
    this.#named = new NamedPlugins(this.#lists);
  }

  facts(): PluginFacts {
    const { connector, transformation, predicate, converter, header_converter } = this.#lists;
    return {
      connector: connector.map((plugin) => ({
        ...classFacts(plugin),
        type: plugin.type,
        taskClassName: String(plugin.taskClassName),
      })),
      transformation: transformation.map(classFacts),
      predicate: predicate.map(classFacts),
      converter: converter.map(classFacts),
      header_converter: header_converter.map(classFacts),
    };
  }

  find<K extends PluginKind>(kind: K, classOrAlias: string): PluginsOfKind[K] {
    return this.#named.find(kind, classOrAlias);
  }
}

/** Whether an exported value is a plugin of any kind. */
export function isPlugin(value: unknown): value is Plugin {
  const plugin = value as Plugin | null | undefined;
  if (typeof plugin?.className !== "string") return false;
  return (
    isConnector(plugin) ||
    isTransformation(plugin) ||
    isPredicate(plugin) ||
    convertsRecords(plugin) ||
    convertsHeaders(plugin)
  );
}

function classFacts({ className, version }: Plugin): ClassFacts {
  return { className, version: String(version) };
}

function isConnector(plugin: Plugin): plugin is ConnectorPlugin {
  const { type, connector, task } = plugin as Partial<ConnectorPlugin>;
  return (type === "source" || type === "sink") && typeof connector === "function" && typeof task === "function";
}

function isTransformation(plugin: Plugin): plugin is TransformationPlugin {
  return typeof (plugin as Partial<TransformationPlugin>).transformation === "function";
}

function isPredicate(plugin: Plugin): plugin is PredicatePlugin {
  return typeof (plugin as Partial<PredicatePlugin>).predicate === "function";
}

function convertsRecords(plugin: Plugin): plugin is PluginsOfKind["converter"] {
  return typeof (plugin as ConverterPlugin).converter === "function";
}

function convertsHeaders(plugin: Plugin): plugin is PluginsOfKind["header_converter"] {
  return typeof (plugin as ConverterPlugin).headerConverter === "function";
}
