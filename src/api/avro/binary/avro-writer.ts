import type { Schema } from "../../schema.js";
import type { ConnectValue } from "../../struct.js";
import type { ByteSlab } from "../../values/byte-slab.js";
import { AVRO_DATA_DEFAULTS, type AvroDataSettings } from "../avro-data-settings.js";
import { avroFromConnect } from "../avro-from-connect.js";
import type { AvroSchema } from "../avro-schema.js";
import { writeAvroValue } from "./avro-value-writer.js";
import { type AvroWritePlan, planAvroWriting } from "./avro-write-plan.js";

/**
 * Writes values of one Connect schema as one Avro schema, in Avro's binary encoding. Make one per Schema object, and
 * keep it: what depends on the schema alone is worked out here.
 */
export class AvroWriter {
  /** The schema that is written. */
  readonly avro: AvroSchema;
  readonly #plan: AvroWritePlan;

  /**
   * @param schema null for schemaless values.
   * @param avro the schema to write, by default the one that Confluent's converter writes. Fields are matched by name.
   * @throws DataError SCHEMA_INVALID when it cannot hold values of `schema`.
   */
  constructor(
    schema: Schema | null,
    settings: AvroDataSettings = AVRO_DATA_DEFAULTS,
    avro: AvroSchema = avroFromConnect(schema, settings),
  ) {
    this.avro = avro;
    this.#plan = planAvroWriting(schema, avro, settings);
  }

  /**
   * Appends a value to the record begun in `slab`.
   * @throws DataError VALUE_INVALID, naming the field; the caller must then drop what it began in `slab`.
   */
  write(slab: ByteSlab, value: ConnectValue): void {
    writeAvroValue(slab, this.#plan, value);
  }
}
