/** The columns of a pg_type row that decide how a value's text is read. */
export interface TypeInfo {
  readonly oid: number;
  readonly name: string;
  /** typtype: b base, d domain, e enum, c composite, r range, m multirange, p pseudo. */
  readonly kind: string;
  /** A true array (typcategory A) of `elementOid`. */
  readonly isArray: boolean;
  readonly elementOid: number;
  /** A domain's base type, and the modifier the domain adds. */
  readonly baseOid: number;
  readonly baseTypmod: number;
  /** An enum's labels, in sort order. */
  readonly labels: readonly string[];
}

/** A type with domains resolved to their base type and effective modifier; so is an array's element. */
export interface ResolvedType {
  readonly name: string;
  /** A domain's own name. */
  readonly declaredName?: string;
  readonly kind: string;
  readonly typmod: number;
  readonly labels: readonly string[];
  readonly element: ResolvedType | null;
  /** The type is a domain. A domain's default is its own, not its base type's. */
  readonly isDomain: boolean;
}

/** Types by oid. */
export type TypeLookup = Pick<ReadonlyMap<number, TypeInfo>, "get">;

/** @returns undefined for a type missing from `types` (dropped in the meantime). */
export function resolveType(oid: number, typmod: number, types: TypeLookup): ResolvedType | undefined {
  let info = types.get(oid);
  let modifier = typmod;
  const isDomain = info?.kind === "d";
  const domain = isDomain && info ? { declaredName: info.name } : {};
  while (info?.kind === "d") {
    // A domain's own modifier counts; the column's is always -1.
    if (info.baseTypmod !== -1) modifier = info.baseTypmod;
    info = types.get(info.baseOid);
  }
  if (!info) return undefined;
  const element = info.isArray ? resolveType(info.elementOid, modifier, types) : undefined;
  if (info.isArray && (!element || element.isDomain)) return { ...opaque(info), ...domain, isDomain };
  return {
    name: info.name,
    ...domain,
    kind: info.kind,
    typmod: modifier,
    labels: info.labels,
    element: element ?? null,
    isDomain,
  };
}

/** An array whose element type is unsupported. */
function opaque(info: TypeInfo): ResolvedType {
  return { name: info.name, kind: "opaque", typmod: -1, labels: [], element: null, isDomain: false };
}
