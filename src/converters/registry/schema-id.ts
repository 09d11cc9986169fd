import { ConfigError, DataError, type RecordHeader } from "../../api/index.js";
import { ID_CLASSES } from "./registry-converter-keys.js";

/** What identifies a schema: its id in the registry, or its GUID in any registry. */
type SchemaId = number | string;

/** A schema's id, and where the record begins behind it. */
export interface FoundId {
  readonly id: SchemaId;
  readonly start: number;
}

const ID_LENGTH = 5;
const GUID_LENGTH = 17;

/** The header with the GUID of a key's or a value's schema. */
export function idHeader(isKey: boolean): string {
  return isKey ? "__key_schema_id" : "__value_schema_id";
}

/** `00` and the id, as before a record. */
export function idPrefix(id: number): Buffer {
  const prefix = Buffer.alloc(ID_LENGTH);
  prefix.writeInt32BE(id, 1);
  return prefix;
}

/** `01` and the GUID, as in a header. */
export function guidBytes(guid: string): Buffer {
  return Buffer.from(`01${guid.replaceAll("-", "")}`, "hex");
}

/**
 * Finds the id of a record's schema.
 * @param headers of the record; undefined: they are not to be looked at.
 * @throws DataError RECORD_MALFORMED when there is none.
 */
export function findSchemaId(bytes: Buffer, isKey: boolean, headers: readonly RecordHeader[] | undefined): FoundId {
  if (headers !== undefined && headers.length > 0) {
    const name = idHeader(isKey);
    // The last one counts.
    for (let i = headers.length - 1; i >= 0; i--) {
      const { key, value } = headers[i]!;
      if (key === name && value !== null) return { id: guidOf(value), start: 0 };
    }
  }
  if (bytes[0] === 0 && bytes.length >= ID_LENGTH) return { id: bytes.readInt32BE(1), start: ID_LENGTH };
  return { id: guidOf(bytes), start: GUID_LENGTH };
}

function guidOf(bytes: Buffer): string {
  if (bytes[0] !== 1 || bytes.length < GUID_LENGTH) {
    throw new DataError(
      "RECORD_MALFORMED",
      "Unknown magic byte! The record was not written with a schema registry's serializer",
    );
  }
  return bytes.toString("hex", 1, GUID_LENGTH).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Whether ids are written into a header. @throws ConfigError for another class. */
export function writesHeader(key: string, className: string): boolean {
  if (className === ID_CLASSES.header) return true;
  if (className === ID_CLASSES.prefix) return false;
  throw unknownClass(key, className, [ID_CLASSES.prefix, ID_CLASSES.header]);
}

/** Where ids are read. @throws ConfigError for another class. */
export function idSource(key: string, className: string): "both" | "prefix" | "config" {
  if (className === ID_CLASSES.readBoth) return "both";
  if (className === ID_CLASSES.readPrefix) return "prefix";
  if (className === ID_CLASSES.readConfig) return "config";
  throw unknownClass(key, className, [ID_CLASSES.readBoth, ID_CLASSES.readPrefix, ID_CLASSES.readConfig]);
}

function unknownClass(key: string, className: string, known: readonly string[]): ConfigError {
  return new ConfigError(
    key,
    `Invalid value ${className} for configuration ${key}: it must be one of ${known.join(", ")}; Java classes cannot be loaded`,
    { code: "CONFIG_UNSUPPORTED" },
  );
}
