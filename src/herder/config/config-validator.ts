import {
  type ConfigDef,
  ConfigError,
  type ConfigValue,
  errorKind,
  javaHashOrder,
  NotFoundError,
  type Props,
  validateConfig,
} from "../../api/index.js";
import type { ConfigInfos, ConfigKeyInfo, ConfigValueInfo } from "../../contract/config-infos.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import { parseVersionRange } from "../../worker/plugins/version-range.js";
import { transactionFaults } from "../../worker/source/transaction-preflight.js";
import { withFullKey } from "../../worker/task/full-key.js";
import type { OverridePolicy } from "../../worker/task/override-policy.js";
import type { ClassFacts, ConnectorFacts, PluginCatalog, PluginKind, Worker } from "../../worker/worker.js";
import { fullClassName, lookupFault } from "./class-keys.js";
import { clientOverrideInfos } from "./client-overrides.js";
import { configKeyInfo, configKeyInfos, configValueInfo } from "./config-infos.js";
import type { ConfigProvider } from "./config-providers.js";
import { resolveReferences, withoutNulls } from "./config-references.js";
import { commonKeys, connectorConfigDef, type DefinitionContext } from "./connector-config-def.js";
import { connectorRules, GROUP_OVERRIDE } from "./connector-rules.js";
import { validateChain } from "./plugin-chain.js";
import { Redaction } from "./redaction.js";

export interface ConfigValidatorOptions {
  readonly plugins: PluginCatalog;
  /** Runs the plugins' own code, never in this thread. */
  readonly code: Pick<Worker, "configOf" | "validate" | "transactionSupport">;
  readonly workerProps: Props;
  /** The group of workers, which no sink may share; undefined for a standalone worker. */
  readonly groupId: string | undefined;
  readonly overridePolicy: OverridePolicy;
  readonly providers: ReadonlyMap<string, ConfigProvider>;
}

type Entry = ConfigInfos["configs"][number];

/**
 * Validates connector configs, for the validate endpoint and before every write. Collects all faults. Throws only if
 * there is nothing to validate (no class, an unknown class), or if the plugins' own code throws or does not answer.
 */
export class ConfigValidator {
  constructor(private readonly options: ConfigValidatorOptions) {}

  /** @throws ConfigError for a missing or unknown `connector.class`. */
  async validate(submitted: SubmittedConfig): Promise<ConfigInfos> {
    const raw = withoutProviders(submitted);
    const redaction = new Redaction();
    const found = (reference: string, value: string) => redaction.note(reference, value);
    const resolved = resolveReferences(raw, this.options.providers, found);
    try {
      return await this.#validate(raw, resolved, redaction);
    } catch (error) {
      throw redaction.error(error);
    }
  }

  async #validate(raw: SubmittedConfig, resolved: SubmittedConfig, redaction: Redaction): Promise<ConfigInfos> {
    const { plugins, code, workerProps, groupId, overridePolicy } = this.options;
    const plugin = findResolved(plugins, raw["connector.class"], resolved["connector.class"]);
    const choice = { version: resolved["connector.plugin.version"] };
    const absent = lookupFault(plugins, "connector", plugin.className, choice);
    const context = { plugins, workerProps, plugin, props: resolved };
    if (absent !== undefined) return this.#versionInfos(raw, resolved, absent, context, redaction);
    const chosen = plugins.find("connector", plugin.className, choice);
    const chain = await validateChain(plugins, code, resolved, chosen.location);
    const ownKeys = connectorConfigDef({ ...context, plugin: chosen });
    const frameworkDef: ConfigDef = { ...ownKeys, ...chain.def };
    const framework = new Map(
      [...this.#frameworkValues(ownKeys, resolved), ...chain.values].map((value) => [value.name, value]),
    );
    const ofOthers = new Map<string, string[]>();
    const complain = (key: string, message: string) => {
      const known = framework.get(key);
      if (known) known.errors.push(message);
      else ofOthers.set(key, [...(ofOthers.get(key) ?? []), message]);
    };
    connectorRules(plugin.type, resolved, { workerProps, groupId }, complain);
    if (plugin.type === "source") {
      const given = withoutNulls(resolved);
      const faults = await transactionFaults(workerProps, given, (question) =>
        code.transactionSupport(question, plugin.className, given),
      );
      for (const [key, message] of faults) complain(key, message);
    }
    const { config, values: own } = await code.validate(
      { type: "connector", className: plugin.className, ...choice },
      resolved,
    );
    const values = new Map([...framework, ...own.map((value) => [value.name, value] as const)]);
    const nulls = noteNulls(resolved, values);
    const converters = await this.#converterInfos(resolved, values, chosen.location);
    const def: ConfigDef = { ...frameworkDef, ...config };
    const ownGroup = resolved[GROUP_OVERRIDE];
    if (plugin.type === "sink" && groupId !== undefined && ownGroup != null && !ofOthers.has(GROUP_OVERRIDE))
      ofOthers.set(GROUP_OVERRIDE, []);
    const unknown = [...own.filter(({ name }) => !(name in def)), ...nulls, ...undefinedKeys(resolved, ofOthers, def)];
    const configs = [
      ...unknown.map((value) => ({ definition: null, value: configValueInfo(value) })),
      ...entriesOf(def, values),
    ];
    const ofClients = new Map([...ofOthers].filter(([name]) => name !== GROUP_OVERRIDE));
    const more = [...clientOverrideInfos(plugin.type, resolved, overridePolicy, ofClients), ...converters];
    return infosOf(raw, resolved, { configs, more, redaction, className: plugin.className });
  }

  /** For a connector's version that is not available: only the keys of all connectors, as in Kafka Connect. */
  #versionInfos(
    raw: SubmittedConfig,
    resolved: SubmittedConfig,
    fault: string,
    context: DefinitionContext,
    redaction: Redaction,
  ): ConfigInfos {
    const def = withoutConverters(commonKeys(context));
    const values = this.#frameworkValues(def, resolved);
    for (const { name, errors } of values) {
      if (name === "connector.class" || name === "connector.plugin.version") {
        if (!errors.includes(fault)) errors.push(fault);
      }
    }
    const configs = entriesOf(def, new Map(values.map((value) => [value.name, value])));
    return infosOf(raw, resolved, { configs, more: [], redaction, className: context.plugin.className });
  }

  #frameworkValues(def: ConfigDef, props: SubmittedConfig): ConfigValue[] {
    const values = validateConfig(def, props);
    for (const value of values) {
      if (def[value.name]?.type === "class") value.value = fullClassName(this.options.plugins, value.value);
    }
    return values;
  }

  /** The keys of converters that the connector itself names. An unknown class is an error of its key. */
  async #converterInfos(
    props: SubmittedConfig,
    values: ReadonlyMap<string, ConfigValue>,
    near: string,
  ): Promise<Entry[]> {
    const { plugins, code } = this.options;
    const entries: Entry[] = [];
    for (const key of ["header.converter", "key.converter", "value.converter"]) {
      // Untrimmed, unlike the key's own check: Kafka Connect finds no class with blanks around its name.
      const className = props[key];
      const faults = values.get(key)?.errors ?? [];
      const versionFaults = values.get(`${key}.plugin.version`)?.errors ?? [];
      if (className == null || faults.length > 0 || versionFaults.length > 0) continue;
      const type = key === "header.converter" ? "header_converter" : "converter";
      if (plugins.versions(type, className).length === 0) {
        faults.push(`Failed to load class ${className}: ${className}`);
        continue;
      }
      const choice = { version: props[`${key}.plugin.version`], near };
      const mismatch = lookupFault(plugins, type, className, choice);
      if (mismatch !== undefined) {
        faults.push(mismatch);
        versionFaults.push(mismatch);
        continue;
      }
      const prefix = `${key}.`;
      const own: Record<string, string | null> = { "converter.type": key.slice(0, key.indexOf(".")) };
      for (const [name, value] of Object.entries(props)) {
        if (name.startsWith(prefix)) own[name.slice(prefix.length)] = value;
      }
      const judged = await code.validate({ type, className, ...choice }, own);
      const named = ({ name, errors }: ConfigValue) => errors.map((error) => withFullKey(error, name, prefix));
      const infos = new Map(judged.values.map((value) => [value.name, { ...value, errors: named(value) }]));
      const names = Object.keys(judged.config);
      for (const at of javaHashOrder(names)) {
        const name = names[at]!;
        entries.push({
          definition: configKeyInfo(name, judged.config[name]!, prefix),
          value: configValueInfo(infos.get(name)!, prefix),
        });
      }
    }
    return entries;
  }

  /**
   * The keys of one plugin: a connector's own and then the worker's that it does not define, or another plugin's.
   *
   * @param version as in a `plugin.version` key.
   * @throws NotFoundError for an unknown class; ConfigError for a version that is absent or no range; the plugin's own
   *   errors, or the error of its silence.
   */
  async keysOf(classOrAlias: string, version?: string): Promise<ConfigKeyInfo[]> {
    const { plugins, code, workerProps } = this.options;
    checkRange(version);
    const type = PLUGIN_KINDS.find((kind) => plugins.versions(kind, classOrAlias).length > 0);
    if (!type) throw new NotFoundError("CLASS_NOT_FOUND", `Unknown plugin ${classOrAlias}.`);
    const plugin = chosenVersion(plugins, type, classOrAlias, version);
    const config = await code.configOf({ type, className: plugin.className, version: `[${plugin.version}]` });
    if (type !== "connector") return configKeyInfos(config);
    const context = { plugins, workerProps, plugin: plugin as ConnectorFacts, props: {} };
    const framework = Object.entries(withoutConverters(connectorConfigDef(context)));
    return [
      ...configKeyInfos(config),
      ...framework.filter(([name]) => !(name in config)).map(([name, key]) => configKeyInfo(name, key)),
    ];
  }
}

const PLUGIN_KINDS = ["connector", "transformation", "predicate", "converter", "header_converter"] as const;

function checkRange(version: string | undefined): void {
  try {
    parseVersionRange(version);
  } catch (cause) {
    throw new ConfigError("version", `Invalid version specification: ${version}`, { cause });
  }
}

/** @throws ConfigError for a version that is not there. */
function chosenVersion(
  plugins: PluginCatalog,
  kind: PluginKind,
  name: string,
  version: string | undefined,
): ClassFacts {
  try {
    return plugins.find(kind, name, { version });
  } catch (cause) {
    throw new ConfigError("version", (cause as Error).message, { cause });
  }
}

/** Without a connector, or its version, nothing is known about its converters. */
function withoutConverters(def: ConfigDef): ConfigDef {
  return Object.fromEntries(
    Object.entries(def).map(([name, key]) => {
      if (!/\.converter(\.|$)/.test(name)) return [name, key];
      const { visible: _, ...rest } = key;
      const isVersion = name.endsWith(".version");
      return [name, { ...rest, default: null, recommend: () => [], ...(isVersion && { visible: () => false }) }];
    }),
  );
}

function entriesOf(def: ConfigDef, values: ReadonlyMap<string, ConfigValue>): Entry[] {
  return Object.entries(def).map(([name, key]) => {
    const value = values.get(name);
    return { definition: configKeyInfo(name, key), value: value ? configValueInfo(value) : null };
  });
}

/**
 * The answer. As Kafka Connect counts: each error of a key, but each override or converter key (`more`) only once. With
 * references, each error that is left after redaction, which merges the errors of a key.
 */
function infosOf(
  raw: SubmittedConfig,
  resolved: SubmittedConfig,
  parts: {
    readonly configs: readonly Entry[];
    readonly more: readonly Entry[];
    readonly redaction: Redaction;
    readonly className: string;
  },
): ConfigInfos {
  const { configs, more, redaction, className } = parts;
  const errorsIn = (entries: readonly Entry[]) =>
    entries.reduce((count, { value }) => count + (value?.errors.length ?? 0), 0);
  const all = [...configs, ...more].map((entry) => redacted(entry, raw, resolved, redaction));
  const substituted = Object.keys(raw).some((key) => raw[key] !== resolved[key]);
  return {
    name: raw["connector.class"] ?? className,
    error_count: substituted
      ? errorsIn(all)
      : errorsIn(configs) + more.filter(({ value }) => (value?.errors.length ?? 0) > 0).length,
    groups: groupsOf(all),
    configs: all,
  };
}

/** The connector's plugin. @throws ConfigError for `connector.class`. */
export function findConnector(plugins: PluginCatalog, className: string | null | undefined): ConnectorFacts {
  if (className == null || className.trim() === "") {
    throw new ConfigError(
      "connector.class",
      "Connector config contains no connector type: set connector.class to a class that GET /connector-plugins lists",
      { code: "CONFIG_MISSING" },
    );
  }
  try {
    return plugins.find("connector", className);
  } catch (cause) {
    if (errorKind(cause) !== "not-found") throw cause;
    throw new ConfigError("connector.class", (cause as Error).message, { cause });
  }
}

/** As `findConnector`. If a reference stands for the class, the message shows only the reference. */
function findResolved(
  plugins: PluginCatalog,
  raw: string | null | undefined,
  resolved: string | null | undefined,
): ConnectorFacts {
  if (raw === resolved) return findConnector(plugins, resolved);
  try {
    return findConnector(plugins, resolved);
  } catch (error) {
    if (errorKind(error) !== "config") throw error;
    // Without the cause, whose message contains the value.
    throw new ConfigError(
      "connector.class",
      `The value of connector.class that ${raw} stands for names no connector: GET /connector-plugins lists the known ones`,
    );
  }
}

/** The message that refuses a config, or undefined if it has no fault. */
export function refusal(infos: ConfigInfos): string | undefined {
  if (infos.error_count === 0) return undefined;
  const errors = infos.configs.flatMap(({ value }) => value?.errors ?? []);
  return [
    `Connector configuration is invalid and contains the following ${infos.error_count} error(s):`,
    ...errors,
    "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`",
  ].join("\n");
}

/** Connectors must not bring their own config providers: those would run with the worker's rights. */
function withoutProviders(props: SubmittedConfig): SubmittedConfig {
  return Object.fromEntries(
    Object.entries(props).filter(([key]) => key !== "config.providers" && !key.startsWith("config.providers.")),
  );
}

/** Adds the error for each null. Returns entries for keys without a definition. */
function noteNulls(props: SubmittedConfig, values: ReadonlyMap<string, ConfigValue>): ConfigValue[] {
  const unknown: ConfigValue[] = [];
  for (const [name, value] of Object.entries(props)) {
    if (value !== null) continue;
    const message = "Null value can not be supplied as the configuration value.";
    const known = values.get(name);
    if (known) known.errors.push(message);
    else unknown.push({ name, value: null, recommendedValues: [], errors: [message], visible: true });
  }
  return unknown;
}

/**
 * Entries for keys without a definition that break a rule. Client overrides have entries of their own; the group's has
 * two, as in Kafka Connect, and its errors in the first.
 */
function undefinedKeys(
  props: SubmittedConfig,
  faults: ReadonlyMap<string, readonly string[]>,
  def: ConfigDef,
): ConfigValue[] {
  return [...faults]
    .filter(
      ([name]) => (name === GROUP_OVERRIDE || !/^(producer|consumer|admin)\.override\./.test(name)) && !(name in def),
    )
    .map(([name, errors]) => ({
      name,
      value: props[name] ?? null,
      recommendedValues: [],
      errors: [...errors],
      visible: true,
    }));
}

function groupsOf(entries: readonly Entry[]): string[] {
  const groups = new Set<string>();
  for (const { definition } of entries) if (definition?.group != null) groups.add(definition.group);
  return [...groups];
}

/** A provider's value is secret: the answer shows the reference, and of an error only that the value is wrong. */
function redacted(
  { definition, value }: Entry,
  raw: SubmittedConfig,
  resolved: SubmittedConfig,
  redaction: Redaction,
): Entry {
  if (!value) return { definition, value };
  if (raw[value.name] === resolved[value.name]) {
    // A rule over several keys reports one of them, and its message may contain another's value.
    const { value: own, recommended_values: recommended, errors } = value;
    const texts = (of: readonly string[]) => of.map((text) => redaction.text(text));
    return {
      definition,
      value: {
        ...value,
        value: own && redaction.text(own),
        recommended_values: texts(recommended),
        errors: texts(errors),
      },
    };
  }
  const shown: ConfigValueInfo = {
    ...value,
    value: raw[value.name] ?? null,
    recommended_values: [],
    errors:
      value.errors.length === 0
        ? []
        : [
            `Invalid value for configuration '${value.name}': the value resolved from the config provider reference failed validation`,
          ],
  };
  return { definition, value: shown };
}
