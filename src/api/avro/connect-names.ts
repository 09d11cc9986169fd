import type { Schema } from "../schema.js";
import type { AvroDataSettings } from "./avro-data-settings.js";

/** The namespace of types and parameters that Confluent's converter makes up. */
export const CONNECT_NAMESPACE = "io.confluent.connect.avro";
export const MAP_ENTRY = "MapEntry";
/** The record of a struct without a name; further ones of a schema get a number. */
export const DEFAULT_RECORD = "ConnectDefault";

/** Properties of Avro schemas that hold what Connect's have beside. */
export const PROPERTY = {
  name: "connect.name",
  doc: "connect.doc",
  version: "connect.version",
  parameters: "connect.parameters",
  defaultValue: "connect.default",
  type: "connect.type",
  /** On the record of a named map's entries: MapEntry. */
  internalType: "connect.internal.type",
  logicalType: "logicalType",
  scale: "scale",
  precision: "precision",
} as const;

/** Parameters of Connect's schemas that hold what Avro's have beside. */
export const PARAMETER = {
  enumType: `${CONNECT_NAMESPACE}.Enum`,
  unionType: `${CONNECT_NAMESPACE}.Union`,
  generalizedEnum: "org.apache.kafka.connect.data.Enum",
  generalizedUnion: "org.apache.kafka.connect.data.Union",
  recordDoc: `${CONNECT_NAMESPACE}.record.doc`,
  fieldDoc: `${CONNECT_NAMESPACE}.field.doc.`,
  /** `true` on the schema of a field whose default comes from the Avro field. */
  fieldDefault: `${CONNECT_NAMESPACE}.field.default`,
  enumDoc: `${CONNECT_NAMESPACE}.enum.doc.`,
  enumDefault: `${CONNECT_NAMESPACE}.enum.default.`,
  fixedSize: "connect.fixed.size",
  decimalPrecision: "connect.decimal.precision",
  /** Parameters with this prefix become properties of the Avro schema. */
  avroPrefix: "avro",
} as const;

/** The precision of a Decimal that names none. */
export const DEFAULT_PRECISION = 64;

/** The parameter that marks enums under these settings. */
export function enumParameter(settings: AvroDataSettings): string {
  return settings.generalizedSumTypes ? PARAMETER.generalizedEnum : PARAMETER.enumType;
}

/** Whether `schema` is a string that is written as an Avro enum. */
export function isEnum(schema: Schema, settings: AvroDataSettings): boolean {
  const writesEnums = settings.generalizedSumTypes || settings.enhancedSupport;
  return writesEnums && schema.type === "string" && schema.parameters?.[enumParameter(settings)] !== undefined;
}

/** Whether `schema` is a struct whose fields are the branches of a union. */
export function isUnion(schema: Schema): boolean {
  return schema.name === PARAMETER.unionType || schema.parameters?.[PARAMETER.generalizedUnion] !== undefined;
}

/** Whether `schema` is bytes of a fixed size. */
export function isFixed(schema: Schema): boolean {
  return schema.type === "bytes" && schema.name !== undefined && schema.parameters?.[PARAMETER.fixedSize] !== undefined;
}

/** Whether `schema` is a map that Avro's own maps can hold; any other becomes an array of entries. */
export function isAvroMap(schema: Schema, settings: AvroDataSettings): boolean {
  const keys = schema.keySchema;
  return keys?.type === "string" && (!keys.optional || settings.optionalMapKeys);
}

/** A name as it is written: unchanged, or with scrub.invalid.names one that Avro allows. */
export function writtenName(name: string, settings: AvroDataSettings): string {
  return settings.scrubNames ? scrubbed(name) : name;
}

/** The same for each part of a full name. */
export function writtenFullName(fullName: string, settings: AvroDataSettings): string {
  return settings.scrubNames ? fullName.split(".").map(scrubbed).join(".") : fullName;
}

/** The name with what Avro does not allow as underscores, before the hexadecimal bytes of anything but `.`, `-`, `*`, ` `. */
function scrubbed(name: string): string {
  if (name === "" || /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  const written = name.replace(/[^A-Za-z0-9_]+/gu, (others) => {
    return [...others].map((c) => (".-* ".includes(c) ? "_" : hexBytes(c))).join("");
  });
  return /^\d/.test(written) ? `x${written}` : written;
}

function hexBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `_${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
