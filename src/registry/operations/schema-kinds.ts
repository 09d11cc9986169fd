import { avroKind } from "../avro/avro-kind.js";
import { jsonKind } from "../json-schema/json-kind.js";
import { protoKind } from "../protobuf/proto-kind.js";
import type { SchemaKind, SchemaType } from "../schema/schema-text.js";

/** The checkers of all types of schemas. */
export const SCHEMA_KINDS: Readonly<Record<SchemaType, SchemaKind>> = {
  AVRO: avroKind,
  JSON: jsonKind,
  PROTOBUF: protoKind,
};
