import {
  ArrayStruct,
  type Clock,
  INT64,
  type Logger,
  mapOf,
  type Random,
  type SourceMap,
  SourceRecord,
  STRING,
  type Struct,
  structOf,
} from "../../../src/api/index.js";
import type { NotificationSettings } from "../config/notification-settings.js";

const NAMES = "io.debezium.connector.common.";
const KEY_SCHEMA = structOf([["id", STRING]], { name: `${NAMES}NotificationKey`, version: 1 });
const VALUE_SCHEMA = structOf(
  [
    ["id", STRING],
    ["type", STRING],
    ["aggregate_type", STRING],
    ["additional_data", mapOf(STRING, STRING, { optional: true })],
    ["timestamp", INT64],
  ],
  { name: `${NAMES}Notification`, version: 1 },
);

/** What a notification is about. */
export type Aggregate = "Initial Snapshot" | "Incremental Snapshot" | "Replication Slot";

export interface NotificationsParts {
  readonly settings: NotificationSettings;
  /** topic.prefix */
  readonly connectorName: string;
  readonly partition: SourceMap;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Tells the enabled channels what a connector does. Outlives every connection. */
export class Notifications {
  readonly #parts: NotificationsParts;
  readonly #waiting: (readonly [key: Struct, value: Struct])[] = [];

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
  }

  /** @param id of the signal that asked for it; a random one if none did. */
  send(aggregate: Aggregate, type: string, data: Readonly<Record<string, string>> = {}, id?: string | null): void {
    const { settings, connectorName, clock, random, logger } = this.#parts;
    const { channels, topic } = settings;
    if (channels.size === 0) return;
    const own = id ?? random.uuid();
    const all = { connector_name: connectorName, ...data };
    const timestamp = clock.nowMs();
    if (channels.has("log"))
      logger.info("[Notification Service]", {
        id: own,
        aggregateType: aggregate,
        type,
        additionalData: JSON.stringify(all),
        timestamp,
      });
    if (!channels.has("sink") || topic === null) return;
    const value = [own, type, aggregate, new Map(Object.entries(all)), timestamp];
    this.#waiting.push([new ArrayStruct(KEY_SCHEMA, [own]), new ArrayStruct(VALUE_SCHEMA, value)]);
  }

  /** Whether there are records to take. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The records of all that wait. @param offset of everything that was handed over before them. */
  take(offset: SourceMap): SourceRecord[] {
    const { partition, settings } = this.#parts;
    return this.#waiting
      .splice(0)
      .map(
        ([key, value]) =>
          new SourceRecord(partition, offset, settings.topic!, null, KEY_SCHEMA, key, VALUE_SCHEMA, value),
      );
  }
}
