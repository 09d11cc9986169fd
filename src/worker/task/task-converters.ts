import { ConfigError, type Converter, type HeaderConverter, type Props } from "../../api/index.js";
import { DEFAULT_HEADER_CONVERTER } from "../../contract/connector-keys.js";
import type { PluginChoice, Plugins } from "../worker.js";
import { configureUnder } from "./full-key.js";
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
 * @param near the location of the connector's package, whose own converters are preferred for those that it names.
 * @throws ConfigError for a wrong key, NotFoundError for an unknown class or version.
 */
export function chooseConverters(plugins: Plugins, worker: Props, connector: Props, near?: string): TaskConverters {
  const key = choose(worker, connector, "key.converter", undefined, near);
  const value = choose(worker, connector, "value.converter", undefined, near);
  const header = choose(worker, connector, "header.converter", DEFAULT_HEADER_CONVERTER, near);
  const keyPlugin = plugins.find("converter", key.className, key.choice);
  const valuePlugin = plugins.find("converter", value.className, value.choice);
  const headerPlugin = plugins.find("header_converter", header.className, header.choice);
  const keyConverter = keyPlugin.converter();
  configureUnder("key.converter.", () => keyConverter.configure({ ...key.props, "converter.type": "key" }, true));
  const valueConverter = valuePlugin.converter();
  configureUnder("value.converter.", () =>
    valueConverter.configure({ ...value.props, "converter.type": "value" }, false),
  );
  const headerConverter = headerPlugin.headerConverter();
  configureUnder("header.converter.", () => headerConverter.configure({ ...header.props, "converter.type": "header" }));
  return {
    key: keyConverter,
    value: valueConverter,
    header: headerConverter,
    classes: { key: keyPlugin.className, value: valuePlugin.className, header: headerPlugin.className },
  };
}

interface Choice {
  readonly className: string;
  readonly choice: PluginChoice;
  readonly props: Record<string, string>;
}

function choose(
  worker: Props,
  connector: Props,
  key: string,
  fallback: string | undefined,
  near: string | undefined,
): Choice {
  const isOwn = !!connector[key]?.trim();
  const source = isOwn ? connector : worker;
  const className = source[key]?.trim() || fallback;
  if (className === undefined) {
    throw new ConfigError(key, `Missing required configuration "${key}" which has no default value.`, {
      code: "CONFIG_MISSING",
    });
  }
  const { "plugin.version": version, ...props } = withPrefix(source, `${key}.`);
  return { className, choice: { version, near: isOwn ? near : undefined }, props };
}
