import type { ConnectValue, Schema } from "../../api/index.js";
import type { ByteSlab } from "../../api/values/byte-slab.js";
import { type JsonFormat, planJson } from "./json-plan.js";
import { writeAscii, writeInteger, writeString } from "./json-text-writer.js";
import { writeValue } from "./json-value-writer.js";

/** The names of types in JsonConverter's schemas. */
export const JSON_TYPE_NAMES = {
  int8: "int8",
  int16: "int16",
  int32: "int32",
  int64: "int64",
  float32: "float",
  float64: "double",
  boolean: "boolean",
  string: "string",
  bytes: "bytes",
  array: "array",
  map: "map",
  struct: "struct",
} as const;

/** Writes a schema in the form of JsonConverter's envelope. @param fieldName its name if it is a struct's field. */
export function writeSchema(slab: ByteSlab, schema: Schema, format: JsonFormat, fieldName?: string): void {
  writeAscii(slab, `{"type":"${JSON_TYPE_NAMES[schema.type]}"`);
  writeParts(slab, schema, format);
  writeAscii(slab, `,"optional":${schema.optional}`);
  if (schema.name !== undefined) writeMember(slab, ',"name":', schema.name);
  if (schema.version !== undefined) {
    writeAscii(slab, ',"version":');
    writeInteger(slab, schema.version);
  }
  if (schema.doc !== undefined) writeMember(slab, ',"doc":', schema.doc);
  if (schema.parameters) writeParameters(slab, schema.parameters);
  if (schema.hasDefault && schema.defaultValue !== null) {
    writeAscii(slab, ',"default":');
    writeValue(slab, planJson(schema, format), schema.defaultValue as ConnectValue);
  }
  if (fieldName !== undefined) writeMember(slab, ',"field":', fieldName);
  writeAscii(slab, "}");
}

function writeParts(slab: ByteSlab, schema: Schema, format: JsonFormat): void {
  if (schema.type === "struct") {
    writeAscii(slab, ',"fields":[');
    schema.fields.forEach((field, i) => {
      if (i > 0) writeAscii(slab, ",");
      writeSchema(slab, field.schema, format, field.name);
    });
    writeAscii(slab, "]");
  }
  if (schema.keySchema) {
    writeAscii(slab, ',"keys":');
    writeSchema(slab, schema.keySchema, format);
  }
  if (schema.valueSchema) {
    writeAscii(slab, schema.type === "map" ? ',"values":' : ',"items":');
    writeSchema(slab, schema.valueSchema, format);
  }
}

function writeParameters(slab: ByteSlab, parameters: Readonly<Record<string, string>>): void {
  let mark = ',"parameters":{';
  for (const [name, text] of Object.entries(parameters)) {
    writeAscii(slab, mark);
    writeString(slab, name);
    writeMember(slab, ":", text);
    mark = ",";
  }
  writeAscii(slab, mark === "," ? "}" : ',"parameters":{}');
}

function writeMember(slab: ByteSlab, prefix: string, text: string): void {
  writeAscii(slab, prefix);
  writeString(slab, text);
}
