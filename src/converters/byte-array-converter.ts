import {
  type ConfigDef,
  type ConnectValue,
  type Converter,
  DataError,
  type Header,
  type HeaderConverter,
  OPTIONAL_BYTES,
  type RecordHeader,
  type RecordHeaders,
  type Schema,
  type SchemaAndValue,
} from "../api/index.js";
import { connectClassName } from "../api/values/connect-class-name.js";
import { converterType } from "./converter-type.js";

/** Passes bytes through unchanged, `org.apache.kafka.connect.converters.ByteArrayConverter`. */
export class ByteArrayConverter implements Converter, HeaderConverter {
  readonly config: ConfigDef = { "converter.type": converterType };

  configure(): void {
    // No settings.
  }

  /** @throws DataError for a schema or value of another type. */
  fromConnectData(_topic: string, _headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.#encode(schema, value);
  }

  toConnectData(_topic: string, _headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    return { schema: OPTIONAL_BYTES, value: bytes };
  }

  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return this.#encode(header.schema, header.value);
  }

  toConnectHeader(_topic: string, key: string, bytes: Buffer | null): Header {
    return { key, schema: OPTIONAL_BYTES, value: bytes };
  }

  #encode(schema: Schema | null, value: ConnectValue): Buffer | null {
    if (schema !== null && schema.type !== "bytes") {
      throw new DataError("VALUE_INVALID", `Invalid schema type for ByteArrayConverter: ${schema.type.toUpperCase()}`);
    }
    if (value === null || Buffer.isBuffer(value)) return value;
    throw new DataError(
      "VALUE_INVALID",
      `ByteArrayConverter is not compatible with objects of type class ${connectClassName(value)}`,
    );
  }
}
