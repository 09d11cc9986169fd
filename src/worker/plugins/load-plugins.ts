import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  ConfigError,
  type ConfigProviderPlugin,
  type Converter,
  type ConverterPlugin,
  type HeaderConverter,
  type Logger,
  type PredicatePlugin,
  type TransformationPlugin,
} from "../../api/index.js";
import { compareVersions } from "./maven-version.js";
import { isPlugin, type Plugin, PluginRegistry } from "./plugin-registry.js";

// Compiled code loads compiled plugins, and sources (under a test runner) load sources.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const BUNDLED_CONNECTORS = fileURLToPath(new URL("../../../connectors/", import.meta.url));
const BUILT_IN_CONVERTERS = new URL(`../../converters/built-in-converters.${EXTENSION}`, import.meta.url);
const BUILT_IN_TRANSFORMATIONS = new URL(`../../transforms/built-in-transformations.${EXTENSION}`, import.meta.url);

/** The built-in converters behave as in this version of Kafka and report it, as Kafka's own do. */
const KAFKA_VERSION = "4.3.1";

/** Loading in a host, which an import may end or block: the worker learns of each from `guard`, and later hosts omit it. */
export interface GuardedLoading {
  /** Index files that ended or blocked a host before: they are not loaded. */
  readonly leftOut: readonly string[];
  /** Runs the import of an index file of `plugin.path`. */
  readonly guard?: <T>(entry: string, load: () => Promise<T>) => Promise<T>;
}

/** The folders of `plugin.path`, which separates them by commas. */
export function pluginFolders(pluginPath: string | undefined): string[] {
  return (pluginPath ?? "").split(",").flatMap((entry) => (entry.trim() === "" ? [] : [resolve(entry.trim())]));
}

/**
 * Loads every plugin: the bundled connectors, converters and transformations, then each folder of `plugin.path`. A plugin
 * that cannot be loaded is logged and left out, so that it stops no other. Called once in each host with the worker's
 * `plugin.path`; the worker's own thread loads only the bundled ones.
 */
export async function loadPlugins(
  pluginPath: string | undefined,
  logger: Logger,
  { leftOut, guard = (_, load) => load() }: GuardedLoading = { leftOut: [] },
): Promise<PluginRegistry> {
  const packages = new Map<string, readonly Plugin[]>([
    [BUILT_IN_CONVERTERS.href, await loadBuiltInConverters()],
    [BUILT_IN_TRANSFORMATIONS.href, await loadBuiltInTransformations()],
  ]);
  for (const folder of [BUNDLED_CONNECTORS, ...pluginFolders(pluginPath)]) {
    for (const entry of await entriesOf(folder, logger)) {
      if (leftOut.includes(entry)) continue;
      try {
        const load = () => loadEntry(entry);
        packages.set(entry, await (folder === BUNDLED_CONNECTORS ? load() : guard(entry, load)));
      } catch (cause) {
        logger.error("A plugin cannot be loaded and is left out", { path: entry }, cause);
      }
    }
  }
  return new PluginRegistry(packages);
}

/** The key of package.json for the entry module of config providers. */
const PROVIDERS_KEY = "millraceConfigProviders";

/**
 * Loads the config providers of `plugin.path`. Called once, by a worker whose properties name one: they run in its own
 * thread, so only packages that declare providers are imported there.
 *
 * @returns those found, the newest version of a class first.
 * @throws ConfigError for a module that cannot be loaded.
 */
export async function loadConfigProviderPlugins(
  pluginPath: string | undefined,
  logger: Logger,
): Promise<readonly ConfigProviderPlugin[]> {
  const found: ConfigProviderPlugin[] = [];
  for (const folder of pluginFolders(pluginPath)) {
    for (const child of [folder, ...(await packagesIn(folder, logger))]) {
      const entry = declaredEntry(child, PROVIDERS_KEY);
      if (entry !== undefined) found.push(...(await loadProviders(entry)));
    }
  }
  return found.sort((a, b) => compareVersions(b.version, a.version));
}

/** The folders in a folder of `plugin.path`, and the packages that are installed in it. */
async function packagesIn(folder: string, logger: Logger): Promise<string[]> {
  const children = await foldersIn(folder, logger);
  const installed = basename(folder) === "node_modules" ? folder : join(folder, "node_modules");
  return [...children, ...(existsSync(installed) ? await installedPackages(installed, logger) : [])];
}

async function loadProviders(entry: string): Promise<readonly ConfigProviderPlugin[]> {
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(entry).href)) as { default?: unknown }).default;
  } catch (cause) {
    throw new ConfigError("plugin.path", `The config providers of ${entry} cannot be loaded: ${String(cause)}`, {
      cause,
    });
  }
  const plugins: unknown[] = Array.isArray(exported) ? exported : [exported];
  if (plugins.every(isConfigProvider)) return plugins;
  throw new ConfigError(
    "plugin.path",
    `${entry} exports as default neither a config provider nor a list of them (className, version and configProvider)`,
  );
}

function isConfigProvider(value: unknown): value is ConfigProviderPlugin {
  const plugin = value as Partial<ConfigProviderPlugin> | null | undefined;
  return typeof plugin?.className === "string" && typeof plugin.configProvider === "function";
}

/**
 * The entry modules of a folder of `plugin.path`. It is a plugin itself, or holds plugins: a folder is one if its
 * package.json has a `millrace` key or it has an index file. Of a node_modules folder, in it or itself, only packages
 * with that key are plugins.
 */
async function entriesOf(folder: string, logger: Logger): Promise<string[]> {
  const own = entryOf(folder);
  if (own !== undefined) return [own];
  const children = await foldersIn(folder, logger);
  const found: string[] = [];
  for (const child of children) {
    if (basename(folder) === "node_modules" || basename(child) === "node_modules") continue;
    const entry = entryOf(child);
    if (entry !== undefined) found.push(entry);
  }
  if (basename(folder) === "node_modules") found.push(...(await installedEntries(folder, logger)));
  const installed = children.find((child) => basename(child) === "node_modules");
  if (installed !== undefined) found.push(...(await installedEntries(installed, logger)));
  return found.sort();
}

/** The plugins among the installed packages. */
async function installedEntries(nodeModules: string, logger: Logger): Promise<string[]> {
  return (await installedPackages(nodeModules, logger)).flatMap((folder) => declaredEntry(folder, "millrace") ?? []);
}

/** The folders of installed packages, scoped ones (`@scope/name`) too. */
async function installedPackages(nodeModules: string, logger: Logger): Promise<string[]> {
  const found: string[] = [];
  for (const child of await foldersIn(nodeModules, logger))
    found.push(...(basename(child).startsWith("@") ? await foldersIn(child, logger) : [child]));
  return found;
}

async function foldersIn(folder: string, logger: Logger): Promise<string[]> {
  try {
    const children = await readdir(folder, { withFileTypes: true });
    return children
      .filter((child) => child.isDirectory() || child.isSymbolicLink())
      .map((child) => join(folder, child.name));
  } catch (cause) {
    logger.warn("A folder of plugin.path cannot be read and is skipped", { path: folder }, cause);
    return [];
  }
}

function entryOf(folder: string): string | undefined {
  const declared = declaredEntry(folder, "millrace");
  // The index file of a package of config providers is no plugin of the hosts.
  return declared ?? (declaredEntry(folder, PROVIDERS_KEY) === undefined ? indexIn(folder) : undefined);
}

/** A key of a package.json: the path of an entry module. */
function declaredEntry(folder: string, key: "millrace" | typeof PROVIDERS_KEY): string | undefined {
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) return undefined;
  try {
    const { [key]: path } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly [name: string]: unknown };
    return typeof path === "string" ? resolve(folder, path) : undefined;
  } catch {
    return undefined; // no package: Node would not load it either
  }
}

function indexIn(folder: string): string | undefined {
  return [`index.${EXTENSION}`, "index.js", "index.mjs"].map((name) => join(folder, name)).find(existsSync);
}

async function loadEntry(entry: string): Promise<readonly Plugin[]> {
  const module: { default?: unknown } = await import(pathToFileURL(entry).href);
  const exported: unknown[] = Array.isArray(module.default) ? module.default : [module.default];
  if (exported.every(isPlugin)) return exported;
  throw new ConfigError(
    "plugin.path",
    `${entry} exports as default neither a plugin nor a list of plugins (className, version, and connector with type and task, transformation, predicate, converter or headerConverter)`,
  );
}

async function loadBuiltInTransformations(): Promise<readonly Plugin[]> {
  const built: {
    builtInTransformations: readonly TransformationPlugin[];
    builtInPredicates: readonly PredicatePlugin[];
  } = await import(BUILT_IN_TRANSFORMATIONS.href);
  return [...built.builtInTransformations, ...built.builtInPredicates];
}

/** The exports of the converters' module: converter factories by class name. */
interface BuiltInConverters {
  readonly converters: ReadonlyMap<string, () => Converter>;
  readonly headerConverters: ReadonlyMap<string, () => HeaderConverter>;
}

async function loadBuiltInConverters(): Promise<ConverterPlugin[]> {
  const { converters, headerConverters }: BuiltInConverters = await import(BUILT_IN_CONVERTERS.href);
  const names = new Set([...converters.keys(), ...headerConverters.keys()]);
  return [...names].map((className) => {
    const converter = converters.get(className);
    const headerConverter = headerConverters.get(className);
    return {
      className,
      version: KAFKA_VERSION,
      ...(converter && { converter }),
      ...(headerConverter && { headerConverter }),
    };
  });
}
