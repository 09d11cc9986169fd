import type { Props } from "../connector.js";
import type { Logger } from "../logger.js";

/** A config provider's environment, beside its parameters. */
export interface ConfigProviderContext {
  /** Never log a value that the provider holds. */
  readonly logger: Logger;
}

/** Values of a config provider that are valid for a while only. */
export interface ConfigData {
  readonly data: ReadonlyMap<string, string>;
  /**
   * Connectors that use the values restart after this time, at the earliest after a second, and ask again, unless they
   * set `config.action.reload=none`.
   */
  readonly ttlMs?: number;
}

/**
 * Looks up the values of references `${name:path:key}` in configurations (KIP-297). Runs in the worker's own thread,
 * named there by the worker's properties; a worker starts only once its providers have.
 */
export interface ConfigProvider {
  /**
   * Called once, before anything else, and awaited: the place to log in and to fetch what `get` returns. `props` are the
   * provider's parameters, without `config.providers.<name>.param.`.
   *
   * @throws ConfigError, or any other error: the worker does not start.
   */
  configure(props: Props, context: ConfigProviderContext): void | Promise<void>;
  /**
   * The values under `path` (`""` without one) by key. Called for each configuration that is validated or started, and
   * must not wait: everything else in the worker waits meanwhile. A provider of remote values keeps them, and renews them
   * by itself. A reference whose key is missing stays as it is.
   *
   * @throws ConfigError when the path cannot be read
   */
  get(path: string): ReadonlyMap<string, string> | ConfigData;
  /** Called when the worker stops. */
  close?(): void;
}

export interface ConfigProviderPlugin {
  /** The value of `config.providers.<name>.class`. */
  readonly className: string;
  readonly version: string;
  configProvider(): ConfigProvider;
}
