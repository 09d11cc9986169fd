import type {
  ConfigValue,
  Connector,
  ConnectorContext,
  Props,
  SubmittedProps,
  ValidationContext,
} from "../../src/api/index.js";
import { refuseInvalid, validateSettings } from "./config/config-validation.js";
import { connectorConfig } from "./config/connector-keys.js";

/** One task, always: a slot has one reader. */
export class PostgresConnector implements Connector {
  readonly config = connectorConfig;
  #props: Props = {};

  async validate(props: SubmittedProps, _: ConfigValue[], context: ValidationContext): Promise<ConfigValue[]> {
    const values = validateSettings(props);
    // Without valid connection keys there is no database to check.
    if (values.some(({ name, errors }) => errors.length > 0 && CONNECTION_KEYS.test(name))) return values;
    const { checkDatabase } = await import("./database-check.js");
    for (const { key, message } of await checkDatabase(props, context)) {
      values.find(({ name }) => name === key)?.errors.push(message);
    }
    return values;
  }

  async start(_: ConnectorContext, props: Props): Promise<void> {
    refuseInvalid(props);
    this.#props = props;
  }

  async taskConfigs(): Promise<Record<string, string>[]> {
    return [{ ...this.#props }];
  }

  async stop(): Promise<void> {}
}

const CONNECTION_KEYS = /^(database\.|slot\.name$|plugin\.name$|publication\.|topic\.prefix$|schema\.|table\.)/;
