import { isUtf8 } from "node:buffer";
import { BYTES, type ConfigDef, type Header, type HeaderConverter } from "../api/index.js";
import { parseValue } from "./connect-values.js";
import { renderValue } from "./render-value.js";

/**
 * Writes header values as text and guesses their type when reading,
 * `org.apache.kafka.connect.storage.SimpleHeaderConverter`, the default. Bytes that are not UTF-8 stay bytes.
 */
export class SimpleHeaderConverter implements HeaderConverter {
  readonly config: ConfigDef = {};

  configure(): void {
    // No settings.
  }

  /** @throws DataError for a value without a text form. */
  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return header.value === null ? null : Buffer.from(renderValue(header.schema, header.value));
  }

  toConnectHeader(_topic: string, key: string, bytes: Buffer | null): Header {
    if (bytes !== null && !isUtf8(bytes)) return { key, schema: BYTES, value: bytes };
    return { key, ...parseValue(bytes?.toString("utf8") ?? null) };
  }
}
