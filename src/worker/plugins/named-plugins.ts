import { NotFoundError } from "../../api/index.js";
import type { PluginInfo } from "../../contract/plugin-info.js";
import type { ConnectorFacts, PluginCatalog } from "../worker.js";

/** A converter class, without its code. */
export interface ConverterFacts {
  readonly className: string;
  readonly version: string;
  readonly kinds: readonly ("converter" | "header_converter")[];
}

/** Plugins without their code: data, which crosses threads. */
export interface PluginFacts<C = ConnectorFacts, V = ConverterFacts> {
  readonly connectors: readonly C[];
  readonly converters: readonly V[];
}

const TYPE_ORDER: readonly PluginInfo["type"][] = ["source", "sink", "converter", "header_converter"];

/** Plugins, or their facts, by class name and alias. */
export class NamedPlugins<C extends ConnectorFacts, V extends ConverterFacts> implements PluginCatalog {
  readonly #connectors: AliasMap<C>;
  readonly #converters: AliasMap<V>;
  readonly #headerConverters: AliasMap<V>;

  /** Of two plugins with one class name the first wins: the bundled ones load before those of plugin.path. */
  constructor({ connectors, converters }: PluginFacts<C, V>) {
    this.#connectors = new AliasMap(connectors, ["Connector"]);
    this.#converters = new AliasMap(
      converters.filter(({ kinds }) => kinds.includes("converter")),
      ["Converter"],
    );
    this.#headerConverters = new AliasMap(
      converters.filter(({ kinds }) => kinds.includes("header_converter")),
      ["HeaderConverter", "Converter"],
    );
  }

  list(): readonly PluginInfo[] {
    const infos: PluginInfo[] = this.#connectors.all().map(({ className, type, version }) => ({
      class: className,
      type,
      version,
    }));
    for (const { className, version } of this.#converters.all())
      infos.push({ class: className, type: "converter", version });
    for (const { className, version } of this.#headerConverters.all())
      infos.push({ class: className, type: "header_converter", version });
    return infos.sort(
      (a, b) => TYPE_ORDER.indexOf(a.type) - TYPE_ORDER.indexOf(b.type) || (a.class < b.class ? -1 : 1),
    );
  }

  connector(classOrAlias: string): C {
    return this.#connectors.find(classOrAlias) ?? absent("connector", classOrAlias, this.#connectors.all());
  }

  converter(classOrAlias: string): V {
    return this.#converters.find(classOrAlias) ?? absent("converter", classOrAlias, this.#converters.all());
  }

  headerConverter(classOrAlias: string): V {
    return (
      this.#headerConverters.find(classOrAlias) ??
      absent("header converter", classOrAlias, this.#headerConverters.all())
    );
  }
}

/** Finds by full name, by simple name, and by simple name without the type's suffix. An ambiguous alias finds none. */
class AliasMap<P extends { readonly className: string }> {
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

function absent(kind: string, name: string, there: readonly { readonly className: string }[]): never {
  const names = there.map(({ className }) => className).sort();
  throw new NotFoundError(
    "CLASS_NOT_FOUND",
    `Failed to find any class that implements ${kind} and which name matches ${name}, available ${kind}s are: ${names.join(", ") || "none"}`,
  );
}
