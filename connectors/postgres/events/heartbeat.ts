import {
  ArrayStruct,
  type Clock,
  INT64,
  type SourceMap,
  SourceRecord,
  STRING,
  structOf,
} from "../../../src/api/index.js";

const KEY_SCHEMA = structOf([["serverName", STRING]], {
  name: "io.debezium.connector.common.ServerNameKey",
  version: 1,
});
const VALUE_SCHEMA = structOf([["ts_ms", INT64]], { name: "io.debezium.connector.common.Heartbeat", version: 1 });

/** Schedules heartbeats and makes their records. */
export class Heartbeat {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #dueMs: number;

  /** @param intervalMs 0 for none. */
  constructor(
    intervalMs: number,
    private readonly topic: string,
    private readonly serverName: string,
    private readonly partition: SourceMap,
    clock: Clock,
  ) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#dueMs = clock.monotonicMs() + intervalMs;
  }

  /** Milliseconds until the next heartbeat, 0 if it is due; undefined for never. */
  get inMs(): number | undefined {
    return this.#intervalMs > 0 ? Math.max(0, this.#dueMs - this.#clock.monotonicMs()) : undefined;
  }

  /** Makes the record and schedules the next. Always partition 0: the topic needs only one. */
  beat(offset: SourceMap): SourceRecord {
    this.#dueMs = this.#clock.monotonicMs() + this.#intervalMs;
    const key = new ArrayStruct(KEY_SCHEMA, [this.serverName]);
    const value = new ArrayStruct(VALUE_SCHEMA, [this.#clock.nowMs()]);
    return new SourceRecord(this.partition, offset, this.topic, 0, KEY_SCHEMA, key, VALUE_SCHEMA, value);
  }
}
