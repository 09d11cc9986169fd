import { NotFoundError } from "../../api/index.js";
import type { PluginInfo } from "../../contract/plugin-info.js";
import type { ClassFacts, FactsOfKind, PluginCatalog, PluginKind } from "../worker.js";

/** All plugins of each kind, or their facts. */
export type PluginLists<M extends FactsOfKind> = { readonly [K in PluginKind]: readonly M[K][] };

/** Plugins without their code: data, which crosses threads. */
export type PluginFacts = PluginLists<FactsOfKind>;

/** For each kind: its name in messages, and the suffixes without which its classes are found, too. */
const KINDS: Readonly<Record<PluginKind, { readonly noun: string; readonly suffixes: readonly string[] }>> = {
  connector: { noun: "connector", suffixes: ["Connector"] },
  transformation: { noun: "transformation", suffixes: ["Transformation"] },
  predicate: { noun: "predicate", suffixes: ["Predicate"] },
  converter: { noun: "converter", suffixes: ["Converter"] },
  header_converter: { noun: "header converter", suffixes: ["HeaderConverter", "Converter"] },
};

/** Kafka Connect's order. */
const TYPE_ORDER: readonly PluginInfo["type"][] = [
  "sink",
  "source",
  "transformation",
  "predicate",
  "converter",
  "header_converter",
];

/** Plugins, or their facts, by class name and alias. */
export class NamedPlugins<M extends FactsOfKind = FactsOfKind> implements PluginCatalog {
  readonly #byKind: { readonly [K in PluginKind]: AliasMap<M[K]> };

  /** Of two plugins with one class name the first wins: the bundled ones load before those of plugin.path. */
  constructor(plugins: PluginLists<M>) {
    const mapOf = <K extends PluginKind>(kind: K) => new AliasMap<M[K]>(plugins[kind], KINDS[kind].suffixes);
    this.#byKind = {
      connector: mapOf("connector"),
      transformation: mapOf("transformation"),
      predicate: mapOf("predicate"),
      converter: mapOf("converter"),
      header_converter: mapOf("header_converter"),
    };
  }

  list(): readonly PluginInfo[] {
    const { connector, ...others } = this.#byKind;
    const infos: PluginInfo[] = connector.all().map(({ className, type, version }) => ({
      class: className,
      type,
      version,
    }));
    for (const [type, plugins] of Object.entries(others) as [keyof typeof others, AliasMap<ClassFacts>][]) {
      for (const { className, version } of plugins.all()) infos.push({ class: className, type, version });
    }
    return infos.sort(
      (a, b) => TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type) || (a.class < b.class ? -1 : 1),
    );
  }

  find<K extends PluginKind>(kind: K, classOrAlias: string): M[K] {
    const plugins = this.#byKind[kind];
    return plugins.find(classOrAlias) ?? absent(KINDS[kind].noun, classOrAlias, plugins.all());
  }
}

/** Finds by full name, by simple name, and by simple name without the kind's suffix. An ambiguous alias finds none. */
class AliasMap<P extends ClassFacts> {
  readonly #byName = new Map<string, P>();
  readonly #byAlias = new Map<string, P | "ambiguous">();

  constructor(plugins: readonly P[], suffixes: readonly string[]) {
    for (const plugin of plugins) {
      if (this.#byName.has(plugin.className)) continue;
      this.#byName.set(plugin.className, plugin);
      for (const alias of aliasesOf(plugin.className, suffixes))
        this.#byAlias.set(alias, this.#byAlias.has(alias) ? "ambiguous" : plugin);
    }
  }

  all(): P[] {
    return [...this.#byName.values()];
  }

  find(classOrAlias: string): P | undefined {
    const found = this.#byName.get(classOrAlias) ?? this.#byAlias.get(classOrAlias);
    return found === "ambiguous" ? undefined : found;
  }
}

function aliasesOf(className: string, suffixes: readonly string[]): Set<string> {
  const simple = className.slice(Math.max(className.lastIndexOf("."), className.lastIndexOf("$")) + 1);
  const suffix = suffixes.find((candidate) => simple.endsWith(candidate) && simple !== candidate);
  return new Set(suffix === undefined ? [simple] : [simple, simple.slice(0, -suffix.length)]);
}

function absent(noun: string, name: string, there: readonly ClassFacts[]): never {
  const names = there.map(({ className }) => className).sort();
  throw new NotFoundError(
    "CLASS_NOT_FOUND",
    `Failed to find any class that implements ${noun} and which name matches ${name}, available ${noun}s are: ${names.join(", ") || "none"}`,
  );
}
