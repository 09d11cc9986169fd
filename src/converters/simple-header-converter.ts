import { isUtf8 } from "node:buffer";
import { BYTES, type ConfigDef, type Header, type HeaderConverter } from "../api/index.js";
import { parseValue } from "./connect-values.js";
import { converterType } from "./converter-type.js";
import { renderValue } from "./render-value.js";

/**
 * Header values as text whose type is guessed when it is read, `org.apache.kafka.connect.storage.SimpleHeaderConverter`,
 * the default. Bytes that are no UTF-8 stay bytes.
 */
export class SimpleHeaderConverter implements HeaderConverter {
  readonly config: ConfigDef = { "converter.type": converterType };

  configure(): void {
    // There is nothing to set.
  }

  /** @throws DataError for a value that has no text. */
  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return header.value === null ? null : Buffer.from(renderValue(header.schema, header.value));
  }

  toConnectHeader(_topic: string, key: string, bytes: Buffer | null): Header {
    if (bytes !== null && !isUtf8(bytes)) return { key, schema: BYTES, value: bytes };
    return { key, ...parseValue(bytes?.toString("utf8") ?? null) };
  }
}
