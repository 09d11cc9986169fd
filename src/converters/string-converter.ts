import {
  type ConfigDef,
  ConfigError,
  type ConnectValue,
  type Converter,
  type Header,
  type HeaderConverter,
  OPTIONAL_STRING,
  parseConfig,
  type RecordHeader,
  type RecordHeaders,
  type Schema,
  type SchemaAndValue,
} from "../api/index.js";
import { converterType, withConverterType } from "./converter-type.js";
import { javaString } from "./java-string.js";

const stringConverterConfig = {
  "converter.type": converterType,
  "converter.encoding": {
    type: "string",
    doc: "The character set: UTF-8, US-ASCII, ISO-8859-1 or UTF-16LE.",
    default: "UTF-8",
    importance: "high",
  },
} as const satisfies ConfigDef;

const ENCODINGS: Readonly<Record<string, BufferEncoding>> = {
  "UTF-8": "utf8",
  UTF8: "utf8",
  "US-ASCII": "latin1",
  ASCII: "latin1",
  "ISO-8859-1": "latin1",
  LATIN1: "latin1",
  "UTF-16LE": "utf16le",
};

/** Writes strings unchanged, other values as Java's `toString`, `org.apache.kafka.connect.storage.StringConverter`. */
export class StringConverter implements Converter, HeaderConverter {
  readonly config: ConfigDef = stringConverterConfig;
  #encoding: BufferEncoding = "utf8";

  /** @throws ConfigError for an unknown encoding. */
  configure(props: Readonly<Record<string, string>>, isKey?: boolean): void {
    const use = isKey === undefined ? "header" : isKey ? "key" : "value";
    const name = parseConfig(stringConverterConfig, withConverterType(props, use))["converter.encoding"];
    const encoding = ENCODINGS[name.toUpperCase()];
    if (!encoding) {
      throw new ConfigError(
        "converter.encoding",
        `Invalid value ${name} for configuration converter.encoding: must be one of ${Object.keys(ENCODINGS).join(", ")}`,
      );
    }
    this.#encoding = encoding;
  }

  fromConnectData(_topic: string, _headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.#encode(schema, value);
  }

  toConnectData(_topic: string, _headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    return { schema: OPTIONAL_STRING, value: bytes === null ? null : bytes.toString(this.#encoding) };
  }

  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return this.#encode(header.schema, header.value);
  }

  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header {
    return { key, ...this.toConnectData(topic, [], bytes) };
  }

  #encode(schema: Schema | null, value: ConnectValue): Buffer | null {
    if (value === null) return null;
    return Buffer.from(typeof value === "string" ? value : javaString(schema, value), this.#encoding);
  }
}
