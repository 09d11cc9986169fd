import { DataError } from "../../errors.js";
import { ByteSlab } from "../../values/byte-slab.js";
import type { AvroJson, AvroNumber } from "../avro-json.js";
import type { AvroSchema } from "../avro-schema.js";
import { isAvroDefault } from "../default-value.js";
import { writeBytes, writeFloat32, writeFloat64, writeLong, writeOctet, writeRaw, writeText } from "./avro-bytes.js";

/**
 * A default of an Avro schema in binary.
 * @throws DataError SCHEMA_INVALID when it is no value of the schema.
 */
export function avroDefaultBytes(schema: AvroSchema, json: AvroJson): Buffer {
  if (!isAvroDefault(schema, json)) throw new DataError("SCHEMA_INVALID", "Invalid default in the Avro schema");
  const slab = new ByteSlab();
  write(slab, schema, json);
  return Buffer.from(slab.finish());
}

function write(slab: ByteSlab, schema: AvroSchema, json: AvroJson): void {
  switch (schema.kind) {
    case "union": {
      const branch = schema.branches.findIndex((each) => isAvroDefault(each, json));
      writeLong(slab, branch);
      write(slab, schema.branches[branch]!, json);
      return;
    }
    case "null":
      return;
    case "boolean":
      writeOctet(slab, json === true ? 1 : 0);
      return;
    case "int":
    case "long":
      writeLong(slab, BigInt((json as AvroNumber).text));
      return;
    case "float":
      writeFloat32(slab, Number((json as AvroNumber).text));
      return;
    case "double":
      writeFloat64(slab, Number((json as AvroNumber).text));
      return;
    case "string":
      writeText(slab, json as string);
      return;
    case "bytes":
      writeBytes(slab, Buffer.from(json as string, "latin1"));
      return;
    case "fixed": {
      const bytes = Buffer.from(json as string, "latin1");
      if (bytes.length !== schema.size) throw new DataError("SCHEMA_INVALID", "Invalid default of a fixed: its size");
      writeRaw(slab, bytes);
      return;
    }
    case "enum": {
      const index = schema.symbols.indexOf(json as string);
      if (index < 0) throw new DataError("SCHEMA_INVALID", `Invalid default of enum ${schema.name}: no symbol`);
      writeLong(slab, index);
      return;
    }
    case "array":
      writeItems(slab, json as readonly AvroJson[], (item) => write(slab, schema.items, item));
      return;
    case "map":
      writeItems(slab, [...(json as ReadonlyMap<string, AvroJson>)], ([key, value]) => {
        writeText(slab, key);
        write(slab, schema.values, value);
      });
      return;
    case "record":
      for (const field of schema.fields) {
        const members = json as ReadonlyMap<string, AvroJson>;
        write(slab, field.schema, members.has(field.name) ? members.get(field.name)! : field.defaultValue!);
      }
      return;
  }
}

function writeItems<T>(slab: ByteSlab, items: readonly T[], each: (item: T) => void): void {
  if (items.length > 0) writeLong(slab, items.length);
  for (const item of items) each(item);
  writeOctet(slab, 0);
}
