import {
  type ConfigCheck,
  type ConfigDef,
  type ConfigKey,
  errorKind,
  invalidValue,
  type SubmittedProps,
} from "../../api/index.js";
import { parseVersionRange } from "../../worker/plugins/version-range.js";
import type { ClassFacts, PluginCatalog, PluginChoice, PluginKind } from "../../worker/worker.js";

/** The simple name of the Java interface of each kind, for messages. */
const INTERFACES: Readonly<Record<PluginKind, string>> = {
  connector: "Connector",
  converter: "Converter",
  header_converter: "HeaderConverter",
  transformation: "Transformation",
  predicate: "Predicate",
};

/** A key whose value is a plugin's class, and the key of its version (KIP-891). */
interface ClassKeys {
  readonly kind: PluginKind;
  readonly classKey: string;
  readonly versionKey: string;
  readonly class: Omit<ConfigKey, "type" | "check" | "recommend">;
  readonly version: Omit<ConfigKey, "type" | "default" | "check" | "recommend" | "visible">;
  /** The version that applies without `versionKey`. */
  readonly usual: PluginChoice;
}

/**
 * The definitions of the two keys, with Kafka Connect's checks. The default version depends on the class in `props`.
 *
 * @param props the connector's configuration.
 */
export function classKeys(plugins: PluginCatalog, props: SubmittedProps, keys: ClassKeys): ConfigDef {
  const { kind, classKey, versionKey } = keys;
  const className = props[classKey] ?? (keys.class.default as string | null | undefined) ?? undefined;
  const there = className === undefined ? [] : plugins.versions(kind, className.trim());
  const classes = plugins.list().filter(({ type }) => type === kind);
  const known = className === undefined || anyClass(plugins, className.trim()) !== undefined;
  return {
    [classKey]: {
      ...keys.class,
      type: "class",
      check: (key, value) => (typeof value === "string" ? classFault(plugins, kind, key, value) : undefined),
      recommend: () => classes.map((info) => info.class),
    },
    [versionKey]: {
      ...keys.version,
      type: "string",
      default: className === undefined ? null : usualVersion(plugins, kind, className, keys.usual),
      check: rangeOnly,
      recommend: () => [...new Set(there)],
      ...(/converter$/.test(kind) && { visible: () => known }),
    },
  };
}

/** The full name of a class or alias of any kind; null for none. */
export function fullClassName(plugins: PluginCatalog, classOrAlias: string | null): string | null {
  return (classOrAlias !== null && anyClass(plugins, classOrAlias)?.className) || null;
}

/** The error of a lookup, in the words of Kafka Connect; undefined if it succeeds. */
export function lookupFault(
  plugins: PluginCatalog,
  kind: PluginKind,
  className: string,
  choice: PluginChoice,
): string | undefined {
  try {
    plugins.find(kind, className, choice);
    return undefined;
  } catch (error) {
    if (errorKind(error) === undefined) throw error;
    return (error as Error).message;
  }
}

function classFault(plugins: PluginCatalog, kind: PluginKind, key: string, name: string): string | undefined {
  if (plugins.versions(kind, name).length > 0) return undefined;
  const other = anyClass(plugins, name);
  return other === undefined
    ? invalidValue(key, name, `Class ${name} could not be found.`)
    : `Class class ${other.className} does not implement the ${INTERFACES[kind]} interface`;
}

function anyClass(plugins: PluginCatalog, name: string): ClassFacts | undefined {
  for (const kind of Object.keys(INTERFACES) as PluginKind[]) {
    if (plugins.versions(kind, name).length > 0) return plugins.find(kind, name);
  }
  return undefined;
}

/** Untrimmed, like the lookup at the end: a class with blanks around its name has no version. */
function usualVersion(plugins: PluginCatalog, kind: PluginKind, name: string, choice: PluginChoice): string | null {
  if (lookupFault(plugins, kind, name, choice) !== undefined) return null;
  return plugins.find(kind, name, choice).version;
}

/** Whether the text is a version range at all. Whether a version matches depends on the class, too. */
const rangeOnly: ConfigCheck = (_key, value) => {
  if (typeof value !== "string") return undefined;
  try {
    parseVersionRange(value);
    return undefined;
  } catch (error) {
    if (errorKind(error) !== "config") throw error;
    return (error as Error).message;
  }
};
