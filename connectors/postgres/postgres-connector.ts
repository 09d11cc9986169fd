import {
  type ConfigValue,
  type ConnectorContext,
  DataError,
  type Props,
  type SourceConnector,
  type SourceOffset,
  type SubmittedProps,
  type Support,
  type ValidationContext,
} from "../../src/api/index.js";
import { refuseInvalid, validateSettings } from "./config/config-validation.js";
import { CONNECTOR_KEYS } from "./config/connector-keys.js";
import { asShown } from "./config/key-display.js";
import { offsetFault } from "./position/offset-fault.js";
import { watchSlot } from "./watch-slot.js";

/** One task, always: a slot has one reader. */
export class PostgresConnector implements SourceConnector {
  readonly config = asShown(CONNECTOR_KEYS);
  #props: Props = {};
  #endWatch: () => void = () => {};

  async validate(props: SubmittedProps, _: ConfigValue[], context: ValidationContext): Promise<ConfigValue[]> {
    const values = validateSettings(props);
    // Without valid connection keys there is no database to check.
    if (values.some(({ name, errors }) => errors.length > 0 && CONNECTION_KEYS.test(name))) return values;
    const isModeUnknown = values.some(({ name, errors }) => name === "snapshot.mode" && errors.length > 0);
    const { checkDatabase } = await import("./database-check.js");
    // Without a valid mode nothing is known of streaming and its needs: the connection alone is checked.
    const checked = isModeUnknown ? { ...props, "snapshot.mode": "initial_only" } : props;
    for (const { key, message } of await checkDatabase(checked, context)) {
      values.find(({ name }) => name === key)?.errors.push(message);
    }
    return values;
  }

  async start(context: ConnectorContext, props: Props): Promise<void> {
    refuseInvalid(props);
    this.#props = props;
    // Here and not in the task: WAL piles up behind a task that has FAILED.
    this.#endWatch = watchSlot(props, context);
  }

  async taskConfigs(): Promise<Record<string, string>[]> {
    return [{ ...this.#props }];
  }

  /** A record's position identifies it. */
  async exactlyOnceSupport(): Promise<Support> {
    return "SUPPORTED";
  }

  /** Judges shapes. False, as by Debezium's connector: the replication slot has a position of its own. */
  async alterOffsets(props: Props, offsets: readonly SourceOffset[]): Promise<boolean> {
    const prefix = props["topic.prefix"]?.trim() ?? "";
    for (const { partition, offset } of offsets) {
      const fault = offset && offsetFault(prefix, partition, offset);
      if (fault) throw new DataError("OFFSET_INVALID", fault);
    }
    return false;
  }

  async stop(): Promise<void> {
    this.#endWatch();
  }
}

const CONNECTION_KEYS = /^(database\.|slot\.name$|plugin\.name$|publication\.|topic\.prefix$|schema\.|table\.)/;
