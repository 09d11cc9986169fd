import type { RelationMessage } from "../wal/pgoutput-decoder.js";
import type { CatalogTable } from "./table-catalog.js";

type Key = readonly string[];

/**
 * The key columns of the rows that follow a relation message. The catalog may be ahead of them: under the default
 * replica identity the message itself flags the primary key's columns; otherwise a key counts only if the message has
 * all of its columns. A key of some of them would put rows on other rows' keys.
 *
 * @param lastKey the key of the version before; undefined if the task has not seen the table.
 */
export function relationKey(
  message: RelationMessage,
  catalog: CatalogTable | undefined,
  lastKey: Key | undefined,
): Key {
  const flagged = message.columns.filter(({ isIdentity }) => isIdentity).map(({ name }) => name);
  const primary = catalog?.primaryKey?.columns;
  if (message.replicaIdentity === "default" && flagged.length > 0)
    // The flags lack the index's order.
    return [primary, lastKey].find((key) => key && isSameSet(key, flagged)) ?? flagged;
  const unique = catalog?.uniqueKey?.columns;
  const candidates =
    message.replicaIdentity === "default" && !catalog?.primaryKey?.isDeferrable
      ? // No primary key at that time. Between a drop and the creation of another the rows keep their key; if no other
        // was created, their key is no longer unique.
        [primary && lastKey, primary, unique]
      : [
          primary,
          renamed(message, catalog),
          lastKey,
          unique,
          message.replicaIdentity === "index" ? flagged : undefined,
        ];
  const present = new Set(message.columns.map(({ name }) => name));
  return candidates.find((key) => key && key.length > 0 && key.every((name) => present.has(name))) ?? [];
}

/** The primary key in the message's names, if nothing but names has changed since. */
function renamed(message: RelationMessage, catalog: CatalogTable | undefined): Key | undefined {
  if (!catalog?.primaryKey || catalog.columns.length !== message.columns.length) return undefined;
  if (!catalog.columns.every(({ typeOid }, at) => typeOid === message.columns[at]!.typeOid)) return undefined;
  const names = new Map(catalog.columns.map(({ name }, at) => [name, message.columns[at]!.name]));
  return catalog.primaryKey.columns.map((name) => names.get(name)!);
}

function isSameSet(left: Key, right: Key): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}
