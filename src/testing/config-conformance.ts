import { type ConnectorPlugin, type Props, validateConfig } from "../api/index.js";
import { oneTaskConfig, pluginContext } from "./plugin-run.js";

/**
 * Checks that the connector refuses `value` for `key` and names the key, in its validation or when it starts. Refused
 * only by the task, it would be too late: REST has already answered 201.
 *
 * @param value null leaves the key out.
 */
export async function checkRefused(
  plugin: ConnectorPlugin,
  props: Props,
  key: string,
  value: string | null,
): Promise<void> {
  const { [key]: _, ...others } = props;
  const wrong: Props = value === null ? others : { ...props, [key]: value };
  if ((await validationErrors(plugin, wrong, key)).length > 0) return;
  try {
    await oneTaskConfig(plugin, wrong);
  } catch (error) {
    if (error instanceof Error && error.message.includes(key)) return;
    throw new Error(`The connector refused a wrong ${key}, but its message does not name the key`, { cause: error });
  }
  throw new Error(`The connector took a wrong ${key}`);
}

/** Checks that validation accepts the fixture's configuration. */
export async function checkAccepted(plugin: ConnectorPlugin, props: Props): Promise<void> {
  for (const key of Object.keys(plugin.connector().config)) {
    const errors = await validationErrors(plugin, props, key);
    if (errors.length > 0) throw new Error(`Validation refuses the fixture's ${key}: ${errors.join("; ")}`);
  }
}

async function validationErrors(plugin: ConnectorPlugin, props: Props, key: string): Promise<readonly string[]> {
  const connector = plugin.connector();
  const values = validateConfig(connector.config, props);
  const judged = connector.validate ? await connector.validate(props, values, pluginContext) : values;
  return judged.filter(({ name }) => name === key).flatMap(({ errors }) => errors);
}
