import { NotFoundError } from "../../api/index.js";
import type { PluginInfo } from "../../contract/plugin-info.js";
import type { ClassFacts, FactsOfKind, PluginCatalog, PluginChoice, PluginKind } from "../worker.js";
import { compareVersions } from "./maven-version.js";
import { parseVersionRange } from "./version-range.js";

/** Plugins without their code: data, which crosses threads. */
export type PluginFacts = { readonly [K in PluginKind]: readonly FactsOfKind[K][] };

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

/** The facts of all plugins, by class name and alias, with all versions of each class. */
export class NamedPlugins implements PluginCatalog {
  readonly #byKind: { readonly [K in PluginKind]: ClassMap<FactsOfKind[K]> };
  #list: readonly PluginInfo[] | undefined;

  /** Of two plugins with one class name and version the first is taken. */
  constructor(facts: PluginFacts) {
    const mapOf = <K extends PluginKind>(kind: K) => new ClassMap(facts[kind], KINDS[kind].suffixes);
    this.#byKind = {
      connector: mapOf("connector"),
      transformation: mapOf("transformation"),
      predicate: mapOf("predicate"),
      converter: mapOf("converter"),
      header_converter: mapOf("header_converter"),
    };
  }

  list(): readonly PluginInfo[] {
    // Made once: each validation of a connector asks for it, once for each class among its keys.
    this.#list ??= this.#sorted();
    return this.#list;
  }

  #sorted(): readonly PluginInfo[] {
    const { connector, ...others } = this.#byKind;
    const infos: PluginInfo[] = connector.all().map(({ className, type, version }) => ({
      class: className,
      type,
      version,
    }));
    for (const [type, classes] of Object.entries(others) as [keyof typeof others, ClassMap<ClassFacts>][]) {
      for (const { className, version } of classes.all()) infos.push({ class: className, type, version });
    }
    return infos.sort(
      (a, b) =>
        TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type) ||
        (a.class === b.class ? compareVersions(a.version, b.version) : a.class < b.class ? -1 : 1),
    );
  }

  find<K extends PluginKind>(kind: K, classOrAlias: string, choice: PluginChoice = {}): FactsOfKind[K] {
    const versions = this.#versionsOf(kind, classOrAlias);
    const range = parseVersionRange(choice.version);
    if (!range) return versions.find(({ location }) => location === choice.near) ?? versions[0]!;
    const found = versions.find(({ version }) => range.contains(version));
    if (found) return found;
    const { className } = versions[0]!;
    const there = this.versions(kind, className).join(", ");
    throw new NotFoundError(
      "PLUGIN_VERSION_NOT_FOUND",
      `Plugin ${className} not found that matches the version range ${range}, available versions: [${there}]`,
    );
  }

  versions(kind: PluginKind, classOrAlias: string): readonly string[] {
    const versions = this.#byKind[kind].find(classOrAlias) ?? [];
    return versions.map(({ version }) => version).reverse();
  }

  /** All versions of a class, the newest first. @throws NotFoundError CLASS_NOT_FOUND */
  #versionsOf<K extends PluginKind>(kind: K, name: string): readonly FactsOfKind[K][] {
    const classes: ClassMap<FactsOfKind[K]> = this.#byKind[kind];
    const found = classes.find(name);
    if (found) return found;
    const { noun } = KINDS[kind];
    const names = [...new Set(classes.all().map(({ className }) => className))].sort();
    throw new NotFoundError(
      "CLASS_NOT_FOUND",
      `Failed to find any class that implements ${noun} and which name matches ${name}, available ${noun}s are: ${names.join(", ") || "none"}`,
    );
  }
}

/** Finds by full name, by simple name, and by simple name without the kind's suffix. An ambiguous alias finds none. */
class ClassMap<P extends ClassFacts> {
  readonly #byName = new Map<string, P[]>();
  readonly #byAlias = new Map<string, P[] | "ambiguous">();

  constructor(plugins: readonly P[], suffixes: readonly string[]) {
    for (const plugin of plugins) {
      const { className, version } = plugin;
      const known = this.#byName.get(className);
      if (known) {
        if (!known.some((other) => other.version === version)) known.push(plugin);
        continue;
      }
      const versions = [plugin];
      this.#byName.set(className, versions);
      for (const alias of aliasesOf(className, suffixes)) this.#byAlias.set(alias, this.#bearer(alias, versions));
    }
    for (const versions of this.#byName.values()) versions.sort((a, b) => compareVersions(b.version, a.version));
  }

  /** Kafka's own class keeps its alias when another class shares it: `Filter` was Kafka's before Debezium had one. */
  #bearer(alias: string, added: P[]): P[] | "ambiguous" {
    const known = this.#byAlias.get(alias);
    if (known === undefined) return added;
    const [isKnownKafkas, isAddedKafkas] = [known, added].map((each) => each !== "ambiguous" && isKafkas(each[0]!));
    if (isKnownKafkas === isAddedKafkas) return "ambiguous";
    return isAddedKafkas ? added : known;
  }

  all(): P[] {
    return [...this.#byName.values()].flat();
  }

  /** All versions of the class, the newest first. */
  find(classOrAlias: string): readonly P[] | undefined {
    const found = this.#byName.get(classOrAlias) ?? this.#byAlias.get(classOrAlias);
    return found === "ambiguous" ? undefined : found;
  }
}

function isKafkas({ className }: ClassFacts): boolean {
  return className.startsWith("org.apache.kafka.");
}

function aliasesOf(className: string, suffixes: readonly string[]): Set<string> {
  const simple = className.slice(Math.max(className.lastIndexOf("."), className.lastIndexOf("$")) + 1);
  const suffix = suffixes.find((candidate) => simple.endsWith(candidate) && simple !== candidate);
  return new Set(suffix === undefined ? [simple] : [simple, simple.slice(0, -suffix.length)]);
}
