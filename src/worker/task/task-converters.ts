import { ConfigError, type Converter, type HeaderConverter, type Props } from "../../api/index.js";
import { DEFAULT_HEADER_CONVERTER } from "../../contract/connector-keys.js";
import type { Plugins } from "../worker.js";
import { withPrefix } from "./task-client-properties.js";

/** A task's configured converters, each with the full name of its class. */
export interface TaskConverters {
  readonly key: Converter;
  readonly value: Converter;
  readonly header: HeaderConverter;
  readonly classes: { readonly key: string; readonly value: string; readonly header: string };
}

/**
 * Creates a task's converters. One that the connector names gets only the connector's keys under its prefix, one that
 * the worker names only the worker's: the two are never mixed.
 *
 * @throws ConfigError for a wrong key, NotFoundError for an unknown class.
 */
export function chooseConverters(plugins: Plugins, worker: Props, connector: Props): TaskConverters {
  const key = choose(worker, connector, "key.converter", undefined);
  const value = choose(worker, connector, "value.converter", undefined);
  const header = choose(worker, connector, "header.converter", DEFAULT_HEADER_CONVERTER);
  const keyPlugin = plugins.find("converter", key.className);
  const valuePlugin = plugins.find("converter", value.className);
  const headerPlugin = plugins.find("header_converter", header.className);
  const keyConverter = keyPlugin.converter();
  keyConverter.configure({ ...key.props, "converter.type": "key" }, true);
  const valueConverter = valuePlugin.converter();
  valueConverter.configure({ ...value.props, "converter.type": "value" }, false);
  const headerConverter = headerPlugin.headerConverter();
  headerConverter.configure({ ...header.props, "converter.type": "header" });
  return {
    key: keyConverter,
    value: valueConverter,
    header: headerConverter,
    classes: { key: keyPlugin.className, value: valuePlugin.className, header: headerPlugin.className },
  };
}

function choose(
  worker: Props,
  connector: Props,
  key: string,
  fallback: string | undefined,
): { readonly className: string; readonly props: Record<string, string> } {
  const source = connector[key]?.trim() ? connector : worker;
  const className = source[key]?.trim() || fallback;
  if (className === undefined) {
    throw new ConfigError(key, `Missing required configuration "${key}" which has no default value.`, {
      code: "CONFIG_MISSING",
    });
  }
  const { "plugin.version": _, ...props } = withPrefix(source, `${key}.`);
  return { className, props };
}
