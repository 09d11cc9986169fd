import type { Json } from "../json/json-value.js";
import type { Metadata, SchemaReference, SchemaType } from "../schema/schema-text.js";

/** The value of a SCHEMA record. */
export interface SchemaValue {
  /** Qualified. */
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  readonly schemaType: SchemaType;
  readonly references: readonly SchemaReference[];
  readonly metadata: Metadata | undefined;
  /** As another registry wrote it; ours writes none. */
  readonly ruleSet: Json | undefined;
  /** Where metadata is encrypted, by another registry. */
  readonly md5: string | undefined;
  /** The canonical text. */
  readonly schema: string;
  readonly deleted: boolean;
}

/** A version of a subject, as the topic holds it. */
export interface SchemaEntry extends SchemaValue {
  readonly guid: string;
  /** The record's timestamp; -1 for none. */
  readonly timestampMs: number;
  /** Keys in another spelling under which it was read: they are removed together with ours. */
  readonly otherKeys: readonly Buffer[];
}
