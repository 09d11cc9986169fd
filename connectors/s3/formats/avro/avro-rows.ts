import {
  type AvroDataSettings,
  type AvroSchema,
  AvroWriter,
  ByteSlab,
  type ConnectValue,
  type Schema,
} from "../../../../src/api/index.js";

const NO_SCHEMA = {};

/** Encodes values as rows in Avro's binary encoding, by one writer for each schema. One per task. */
export class AvroRows {
  readonly #slab = new ByteSlab();
  /** By the schema that is written, then the value's. Converters return one object per schema. */
  readonly #writers = new WeakMap<object, WeakMap<object, AvroWriter>>();
  readonly #ofSchema = new WeakMap<object, AvroWriter>();

  constructor(private readonly settings: AvroDataSettings) {}

  /** The Avro schema of values of this schema. @throws DataError when Avro cannot express it. */
  schemaOf(schema: Schema | null): AvroSchema {
    const key = schema ?? NO_SCHEMA;
    let writer = this.#ofSchema.get(key);
    if (!writer) {
      writer = new AvroWriter(schema, this.settings);
      this.#ofSchema.set(key, writer);
      this.#writers.set(writer.avro, new WeakMap([[key, writer]]));
    }
    return writer.avro;
  }

  /** The value, valid until the next call. @param avro of `schemaOf`. @throws DataError if it does not fit. */
  encode(avro: AvroSchema, schema: Schema | null, value: ConnectValue): Buffer {
    const slab = this.#slab;
    const writer = this.#writerOf(avro, schema);
    slab.release();
    slab.begin();
    writer.write(slab, value);
    return slab.finish();
  }

  #writerOf(avro: AvroSchema, schema: Schema | null): AvroWriter {
    const key = schema ?? NO_SCHEMA;
    const bySchema = this.#writers.get(avro)!;
    let writer = bySchema.get(key);
    if (!writer) {
      writer = new AvroWriter(schema, this.settings, avro);
      bySchema.set(key, writer);
    }
    return writer;
  }
}
