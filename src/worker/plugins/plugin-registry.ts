import type { ConnectorPlugin, ConverterPlugin, PredicatePlugin, TransformationPlugin } from "../../api/index.js";
import type { ClassFacts, PluginCatalog, PluginChoice, PluginKind, Plugins, PluginsOfKind } from "../worker.js";
import { NamedPlugins, type PluginFacts } from "./named-plugins.js";

/** The export of the entry module of a plugin package. */
export type Plugin = ConnectorPlugin | ConverterPlugin | TransformationPlugin | PredicatePlugin;

/** The plugins loaded in this thread. */
export class PluginRegistry implements Plugins {
  readonly catalog: PluginCatalog;
  readonly #facts: PluginFacts;
  readonly #plugins = new Map<ClassFacts, Plugin>();

  /** @param packages what each package exports, by its location. */
  constructor(packages: ReadonlyMap<string, readonly Plugin[]>) {
    const all = [...packages].flatMap(([location, plugins]) => plugins.map((plugin) => ({ location, plugin })));
    const factsOf = <P extends Plugin, F extends ClassFacts = ClassFacts>(
      isKind: (plugin: Plugin) => plugin is P,
      complete: (facts: ClassFacts, plugin: P) => F,
    ): F[] =>
      all.flatMap(({ location, plugin }) => {
        if (!isKind(plugin)) return [];
        const { className, version } = plugin;
        const facts = complete({ className, version: String(version), location }, plugin);
        this.#plugins.set(facts, plugin);
        return [facts];
      });
    this.#facts = {
      connector: factsOf(isConnector, (facts, { type, taskClassName }) => ({
        ...facts,
        type,
        taskClassName: String(taskClassName),
      })),
      transformation: factsOf(isTransformation, (facts) => facts),
      predicate: factsOf(isPredicate, (facts) => facts),
      converter: factsOf(convertsRecords, (facts) => facts),
      header_converter: factsOf(convertsHeaders, (facts) => facts),
    };
    this.catalog = new NamedPlugins(this.#facts);
  }

  facts(): PluginFacts {
    return this.#facts;
  }

  find<K extends PluginKind>(kind: K, classOrAlias: string, choice?: PluginChoice): PluginsOfKind[K] {
    return this.#plugins.get(this.catalog.find(kind, classOrAlias, choice)) as PluginsOfKind[K];
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
