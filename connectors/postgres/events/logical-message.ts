import {
  ArrayStruct,
  OPTIONAL_BYTES,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  type Schema,
  type SourceMap,
  SourceRecord,
  STRING,
  type Struct,
  structOf,
} from "../../../src/api/index.js";
import type { TypeSettings } from "../config/settings.js";
import { BLOCK_SCHEMA, SOURCE_SCHEMA } from "../tables/source-block.js";
import { sanitizeTopic } from "../tables/topic-name.js";
import { inMode } from "../types/column-types.js";
import type { LogicalMessage } from "../wal/pgoutput-decoder.js";

const NAMES = "io.debezium.connector.postgresql.";
const KEY_SCHEMA = structOf([["prefix", OPTIONAL_STRING]], { name: `${NAMES}MessageKey`, version: 1 });

/** Makes the records of `pg_logical_emit_message`. */
export class LogicalMessages {
  readonly #topic: string;
  readonly #types: TypeSettings;
  readonly #messageSchema: Schema;
  readonly #valueSchema: Schema;

  constructor(topicPrefix: string, types: TypeSettings) {
    this.#topic = sanitizeTopic(`${topicPrefix}.message`);
    this.#types = types;
    this.#messageSchema = structOf(
      [
        ["prefix", OPTIONAL_STRING],
        ["content", types.binaryMode === "bytes" ? OPTIONAL_BYTES : OPTIONAL_STRING],
      ],
      { name: `${NAMES}Message`, version: 1 },
    );
    this.#valueSchema = structOf(
      [
        ["op", STRING],
        ["ts_ms", OPTIONAL_INT64],
        ["source", SOURCE_SCHEMA],
        ["transaction", BLOCK_SCHEMA],
        ["message", this.#messageSchema],
      ],
      { name: `${NAMES}MessageValue`, version: 1 },
    );
  }

  record(
    message: LogicalMessage,
    source: Struct,
    nowMs: number,
    partition: SourceMap,
    offset: SourceMap,
    block: Struct | null,
  ): SourceRecord {
    const { prefix, content } = message;
    const body = new ArrayStruct(this.#messageSchema, [prefix, inMode(content, this.#types)]);
    const value = new ArrayStruct(this.#valueSchema, ["m", nowMs, source, block, body]);
    const key = new ArrayStruct(KEY_SCHEMA, [prefix]);
    return new SourceRecord(partition, offset, this.#topic, null, KEY_SCHEMA, key, this.#valueSchema, value);
  }
}
