import {
  type ConfigDef,
  ConfigError,
  type ConnectValue,
  type Converter,
  DataError,
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
    width: "medium",
    displayName: "Encoding",
  },
} as const satisfies ConfigDef;

const ENCODINGS: Readonly<Record<string, BufferEncoding>> = {
  "UTF-8": "utf8",
  UTF8: "utf8",
  "US-ASCII": "ascii",
  ASCII: "ascii",
  "ISO-8859-1": "latin1",
  LATIN1: "latin1",
  "UTF-16LE": "utf16le",
};

/** Characters that an encoding cannot write. Node would cut them to their low byte, and Java writes a question mark. */
const UNWRITABLE: Partial<Record<BufferEncoding, RegExp>> = { ascii: /[^\p{ASCII}]/u, latin1: /[\u0100-\uffff]/ };

/** Writes strings unchanged, other values as Java's `toString`, `org.apache.kafka.connect.storage.StringConverter`. */
export class StringConverter implements Converter, HeaderConverter {
  readonly config: ConfigDef = stringConverterConfig;
  #encoding: BufferEncoding = "utf8";
  #encodingName = "UTF-8";

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
    this.#encodingName = name;
  }

  fromConnectData(_topic: string, _headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.#encode(schema, value);
  }

  toConnectData(_topic: string, _headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    return { schema: OPTIONAL_STRING, value: bytes === null ? null : this.#decode(bytes) };
  }

  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return this.#encode(header.schema, header.value);
  }

  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header {
    return { key, ...this.toConnectData(topic, [], bytes) };
  }

  #encode(schema: Schema | null, value: ConnectValue): Buffer | null {
    if (value === null) return null;
    const text = typeof value === "string" ? value : javaString(schema, value);
    if (UNWRITABLE[this.#encoding]?.test(text)) {
      throw new DataError(
        "VALUE_INVALID",
        `A text has characters that ${this.#encodingName} does not have: set converter.encoding=UTF-8`,
      );
    }
    return Buffer.from(text, this.#encoding);
  }

  #decode(bytes: Buffer): string {
    // Node drops the high bit; Java reads such a byte as the replacement character.
    if (this.#encoding === "ascii") return bytes.toString("latin1").replace(/[^\p{ASCII}]/gu, "\ufffd");
    return bytes.toString(this.#encoding);
  }
}
