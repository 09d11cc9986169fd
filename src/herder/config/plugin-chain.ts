import { type ConfigDef, type ConfigKey, type ConfigValue, validateConfig } from "../../api/index.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import type { PluginCatalog, PluginKind, Worker } from "../../worker/worker.js";
import { classKeys, fullClassName, lookupFault } from "./class-keys.js";

/** Keys with their validated values, all under their full names. */
export interface ValidatedKeys {
  readonly def: ConfigDef;
  readonly values: readonly ConfigValue[];
}

interface ChainKind {
  /** The connector's key that lists the aliases. */
  readonly list: string;
  readonly kind: PluginKind;
  readonly group: string;
  readonly noun: string;
}

const KINDS: readonly ChainKind[] = [
  { list: "transforms", kind: "transformation", group: "Transforms", noun: "Transformation" },
  { list: "predicates", kind: "predicate", group: "Predicates", noun: "Predicate" },
];

/** The keys that every transformation has besides its own, which they hide. */
const IMPLICIT_KEYS = {
  predicate: {
    type: "string",
    doc: "The alias of the predicate that decides which records the transformation changes.",
    default: null,
    importance: "medium",
  },
  negate: {
    type: "boolean",
    doc: "Whether the transformation changes the records that the predicate does not match.",
    default: false,
    importance: "medium",
  },
} as const satisfies ConfigDef;

/**
 * Validates the transformations and predicates that a connector configures: `transforms.ALIAS.*`, `predicates.ALIAS.*`
 * (KIP-66, KIP-585). One whose class or version is not available has only its `type` and `plugin.version`.
 *
 * @param code runs the plugins' own code.
 * @param near the location of the connector's package, whose own plugins are preferred.
 */
export async function validateChain(
  plugins: PluginCatalog,
  code: Pick<Worker, "validate">,
  props: SubmittedConfig,
  near: string,
): Promise<ValidatedKeys> {
  const parts: ValidatedKeys[] = [];
  for (const kind of KINDS) {
    for (const alias of listItems(props[kind.list]))
      parts.push(await validateOne(plugins, code, props, near, kind, alias));
  }
  return {
    def: Object.assign({}, ...parts.map(({ def }) => def)),
    values: parts.flatMap(({ values }) => values),
  };
}

/** As ConfigDef reads a list, empty items included, but each item once. */
function listItems(list: string | null | undefined): Set<string> {
  return new Set(!list?.trim() ? [] : list.trim().split(/\s*,\s*/));
}

async function validateOne(
  plugins: PluginCatalog,
  code: Pick<Worker, "validate">,
  props: SubmittedConfig,
  near: string,
  { list, kind, group: groupName, noun }: ChainKind,
  alias: string,
): Promise<ValidatedKeys> {
  const prefix = `${list}.${alias}.`;
  const [classKey, versionKey] = [`${prefix}type`, `${prefix}plugin.version`];
  const group = `${groupName}: ${alias}`;
  const common = { importance: "high", group, width: "long" } as const;
  const what = `the '${alias}' ${noun.toLowerCase()}`;
  const typeDef = classKeys(plugins, props, {
    kind,
    classKey,
    versionKey,
    class: { ...common, order: 0, doc: `Class of ${what}.`, displayName: `${noun} type for ${alias}` },
    version: { ...common, order: 1, doc: `Version of ${what}.`, displayName: `${noun} version for ${alias}` },
    usual: { near },
  });
  const values = validateConfig(typeDef, props);
  const [type, version] = values as [ConfigValue, ConfigValue];
  type.value = fullClassName(plugins, type.value);
  const only: ValidatedKeys = { def: typeDef, values };
  if (type.value === null || type.errors.length > 0) return only;
  const choice = { version: props[versionKey], near };
  const fault = lookupFault(plugins, kind, type.value, choice);
  if (fault !== undefined) {
    for (const { errors } of [type, version]) if (!errors.includes(fault)) errors.push(fault);
    return only;
  }
  const implicit = kind === "transformation" ? withPrefix(IMPLICIT_KEYS, prefix) : {};
  if (`${prefix}negate` in implicit && props[`${prefix}negate`] != null && props[`${prefix}predicate`] == null) {
    type.errors.push(
      `Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`,
    );
  }
  try {
    const own = await code.validate({ type: kind, className: type.value, ...choice, prefix }, props);
    const def = embedded({ ...own.config, ...implicit }, group, 2);
    const judged = own.values.filter(({ name }) => !(name in implicit));
    return { def: { ...typeDef, ...def }, values: [...values, ...judged, ...validateConfig(implicit, props)] };
  } catch (error) {
    type.errors.push(`Error getting config definition from ${noun}: ${errorMessage(error)}`);
    return only;
  }
}

function withPrefix(def: ConfigDef, prefix: string): ConfigDef {
  return Object.fromEntries(
    Object.entries(def).map(([name, key]) => [prefix + name, { ...key, displayName: key.displayName ?? name }]),
  );
}

/** The keys of a plugin within those of its connector, as ConfigDef.embed sorts and numbers them. */
function embedded(def: ConfigDef, group: string, firstOrder: number): ConfigDef {
  const groups = [...new Set(Object.values(def).map((key) => key.group))];
  const rank = (key: ConfigKey) => (key.group === undefined ? -1 : groups.indexOf(key.group));
  const importance = (key: ConfigKey) => ["high", "medium", "low"].indexOf(key.importance ?? "medium");
  const sorted = Object.entries(def).sort(
    ([aName, a], [bName, b]) =>
      rank(a) - rank(b) ||
      (a.order ?? -1) - (b.order ?? -1) ||
      Number("default" in a) - Number("default" in b) ||
      importance(a) - importance(b) ||
      (aName < bName ? -1 : 1),
  );
  return Object.fromEntries(
    sorted.map(([name, key], at) => [
      name,
      { ...key, group: key.group === undefined ? group : `${group}: ${key.group}`, order: firstOrder + at },
    ]),
  );
}
