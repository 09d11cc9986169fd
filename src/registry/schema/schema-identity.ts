import { createHash } from "node:crypto";
import type { Metadata, SchemaReference } from "./schema-text.js";

/** What makes the identity of a schema. Neither its type nor its subject does. */
export interface IdentifiedSchema {
  readonly text: string;
  readonly references: readonly SchemaReference[];
  readonly metadata?: Metadata | undefined;
}

/** The guid of a schema: the MD5 of its content, in the form of a UUID. The same in every registry. */
export function guidOf({ text, references, metadata }: IdentifiedSchema): string {
  const hash = createHash("md5").update(text, "utf8");
  for (const { name, subject, version } of references) {
    const number = Buffer.alloc(4);
    number.writeInt32BE(version);
    hash.update(name, "utf8").update(subject, "utf8").update(number);
  }
  if (metadata) {
    hash.update(Buffer.from([1]));
    for (const part of partsOf(metadata)) hash.update(part, "utf8");
  }
  return hash.digest("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function partsOf({ tags = {}, properties = {}, sensitive = [] }: Metadata): string[] {
  return [
    ...sortedEntries(tags).flatMap(([key, values]) => [key, ...[...values].sort()]),
    ...sortedEntries(properties).flat(),
    ...[...sensitive].sort(),
  ];
}

function sortedEntries<T>(of: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(of).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
