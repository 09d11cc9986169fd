import { readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, normalize, sep } from "node:path";
import {
  type ConfigData,
  ConfigError,
  type ConfigProviderPlugin,
  errorKind,
  javaPattern,
  type Logger,
} from "../../api/index.js";
import { parseProperties } from "../../base/properties.js";

/** Looks up values for references of the form `${provider:path:key}` (KIP-297). */
export interface ConfigProvider {
  /** The values under `path` by key. @throws ConfigError when the path cannot be read */
  get(path: string): ReadonlyMap<string, string> | ConfigData;
  close?(): void;
}

/** The sources of a worker's providers. The environment is passed in, so that tests own it. */
export interface ProviderEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Loads the providers of `plugin.path`; called only if there is a class that is not built in. */
  readonly plugins: () => Promise<readonly ConfigProviderPlugin[]>;
}

const PACKAGE = "org.apache.kafka.common.config.provider.";

/**
 * Creates the providers named in `config.providers`. The caller closes them by `closeConfigProviders`.
 *
 * @param props the worker's properties.
 * @throws ConfigError naming the key of an unknown class or a refused pattern; the errors of a plugin's `configure`.
 */
export async function loadConfigProviders(
  props: Readonly<Record<string, string>>,
  environment: ProviderEnvironment,
): Promise<ReadonlyMap<string, ConfigProvider>> {
  const providers = new Map<string, ConfigProvider>();
  try {
    await addProviders(providers, props, environment);
    return providers;
  } catch (error) {
    closeConfigProviders(providers, environment.logger);
    throw error;
  }
}

/** Called when the worker has stopped. */
export function closeConfigProviders(providers: ReadonlyMap<string, ConfigProvider>, logger: Logger): void {
  for (const [provider, { close }] of providers) {
    try {
      close?.();
    } catch (cause) {
      logger.warn("A config provider failed to close", { provider }, cause);
    }
  }
}

async function addProviders(
  providers: Map<string, ConfigProvider>,
  props: Readonly<Record<string, string>>,
  environment: ProviderEnvironment,
): Promise<void> {
  for (const name of (props["config.providers"] ?? "").split(",").map((part) => part.trim())) {
    if (name === "") continue;
    const key = `config.providers.${name}.class`;
    const param = (param: string) => props[`config.providers.${name}.param.${param}`];
    const className = props[key];
    if (className === `${PACKAGE}FileConfigProvider`) {
      providers.set(name, fileProvider(allowedPaths(param("allowed.paths")), environment.logger));
    } else if (className === `${PACKAGE}DirectoryConfigProvider`) {
      providers.set(name, directoryProvider(allowedPaths(param("allowed.paths")), environment.logger));
    } else if (className === `${PACKAGE}EnvVarConfigProvider`) {
      const pattern = param("allowlist.pattern") ?? ".*";
      const allowed = javaPattern(`config.providers.${name}.param.allowlist.pattern`, pattern);
      providers.set(name, envProvider(allowed, environment.env));
    } else if (className === undefined) {
      throw new ConfigError(key, `Missing required configuration "${key}": config.providers names ${name}`);
    } else {
      const plugin = (await environment.plugins()).find((each) => each.className === className);
      if (!plugin) {
        throw new ConfigError(
          key,
          `Invalid value ${className} for configuration ${key}: expected FileConfigProvider, DirectoryConfigProvider or EnvVarConfigProvider of ${PACKAGE.slice(0, -1)}, or a config provider of plugin.path`,
        );
      }
      const prefix = `config.providers.${name}.param.`;
      const own = Object.entries(props).flatMap(([each, value]) =>
        each.startsWith(prefix) ? [[each.slice(prefix.length), value] as const] : [],
      );
      providers.set(name, await pluginProvider(name, plugin, Object.fromEntries(own), environment.logger));
    }
  }
}

/** A plugin's provider. Whatever it throws later is an error of the configuration that refers to it. */
async function pluginProvider(
  name: string,
  plugin: ConfigProviderPlugin,
  props: Readonly<Record<string, string>>,
  logger: Logger,
): Promise<ConfigProvider> {
  const provider = plugin.configProvider();
  await provider.configure(props, { logger });
  const failed = (path: string, why: string, cause?: unknown) =>
    new ConfigError("config.providers", `The config provider ${name} could not read ${path || "its values"}: ${why}`, {
      cause,
    });
  return {
    get(path) {
      let read: ReadonlyMap<string, string> | ConfigData;
      try {
        read = provider.get(path);
      } catch (cause) {
        if (errorKind(cause) === "config") throw cause;
        throw failed(path, cause instanceof Error ? cause.message : String(cause), cause);
      }
      const { data, ttlMs } = read instanceof Map ? { data: read } : ((read ?? {}) as ConfigData);
      const promises = [read, data, ttlMs, ...(data instanceof Map ? data.values() : [])].filter(isPromise);
      // An error replaces each of them, whose rejection would otherwise count as unhandled.
      for (const promise of promises) promise.catch(() => {});
      if (isPromise(read) || isPromise(data)) {
        const remedy = "get must answer at once, with values that configure has fetched";
        throw failed(path, `${plugin.className} returned a promise: ${remedy}`);
      }
      if (!(data instanceof Map)) throw failed(path, `${plugin.className} returned no Map`);
      if (ttlMs !== undefined && !(typeof ttlMs === "number" && ttlMs >= 0))
        throw failed(path, `${plugin.className} returned a ttlMs that is no number of milliseconds`);
      return { data, ...(ttlMs !== undefined && { ttlMs }) };
    },
    close: () => provider.close?.(),
  };
}

const isPromise = (value: unknown) => value instanceof Promise;

type Allowed = (path: string) => boolean;

function allowedPaths(list: string | undefined): Allowed {
  if (list === undefined || list.trim() === "") return () => true;
  const roots = list.split(",").map((root) => normalize(root.trim()));
  return (path) => {
    const plain = normalize(path);
    return (
      isAbsolute(plain) &&
      roots.some((root) => plain === root || plain.startsWith(root.endsWith(sep) ? root : root + sep))
    );
  };
}

const NOTHING: ReadonlyMap<string, string> = new Map();

function fileProvider(allowed: Allowed, logger: Logger): ConfigProvider {
  return {
    get(path) {
      if (path === "") return NOTHING;
      if (!allowed(path)) {
        logger.warn("The path of a config reference is not in allowed.paths", { path });
        return NOTHING;
      }
      return new Map(Object.entries(parseProperties(read(path))));
    },
  };
}

function directoryProvider(allowed: Allowed, logger: Logger): ConfigProvider {
  return {
    get(path) {
      if (path === "") return NOTHING;
      if (!allowed(path)) {
        logger.warn("The path of a config reference is not in allowed.paths", { path });
        return NOTHING;
      }
      const values = new Map<string, string>();
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
        logger.warn("The path of a config reference is not a directory", { path });
        return values;
      }
      for (const file of readdirSync(path, { withFileTypes: true })) {
        if (!file.isDirectory()) values.set(file.name, read(join(path, file.name)));
      }
      return values;
    },
  };
}

function envProvider(allowed: RegExp, env: ProviderEnvironment["env"]): ConfigProvider {
  return {
    get(path) {
      if (path !== "")
        throw new ConfigError(
          "config.providers",
          `An environment variable has no path: write \${env:NAME}, not \${env:${path}:NAME}`,
        );
      const values = new Map<string, string>();
      for (const [name, value] of Object.entries(env)) {
        if (value !== undefined && allowed.test(name)) values.set(name, value);
      }
      return values;
    },
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(
      "config.providers",
      `Could not read properties from file ${path}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
