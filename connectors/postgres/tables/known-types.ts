import type { TypeInfo } from "../types/type-info.js";
import type { TypeMessage } from "../wal/pgoutput-decoder.js";

/**
 * The types seen by a task. Rows may be older than the catalog: of a type dropped since, the catalog has nothing, but
 * an earlier look at it may, and the stream names it.
 */
export class KnownTypes {
  readonly #seen = new Map<number, TypeInfo>();
  readonly #named = new Map<number, TypeInfo>();

  /** The types now in the catalog. */
  see(types: ReadonlyMap<number, TypeInfo>): void {
    for (const [oid, type] of types) this.#seen.set(oid, type);
  }

  /** The stream names each type that is not built in before its first row; a domain by its base type. */
  name({ oid, schema, name }: TypeMessage): void {
    // Of other schemas' types the name says nothing about the form of their values.
    if (schema !== "pg_catalog" || name.startsWith("_")) return;
    const type = { oid, name, kind: "b", isArray: false, elementOid: 0, baseOid: 0, baseTypmod: -1, labels: [] };
    this.#named.set(oid, type);
  }

  get(oid: number): TypeInfo | undefined {
    return this.#seen.get(oid) ?? this.#named.get(oid);
  }
}
