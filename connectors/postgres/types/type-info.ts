/** A row of pg_type, as far as it decides how a column's text is read. */
export interface TypeInfo {
  readonly oid: number;
  readonly name: string;
  /** typtype: b base, d domain, e enum, c composite, r range, m multirange, p pseudo. */
  readonly kind: string;
  /** A true array (typcategory A) of `elementOid`. */
  readonly isArray: boolean;
  readonly elementOid: number;
  /** Of a domain: what it is made on, with the modifier that it adds. */
  readonly baseOid: number;
  readonly baseTypmod: number;
  /** Of an enum, in sort order. */
  readonly labels: readonly string[];
}

/** A type without its domains: the base type and the modifier that applies, an array's element resolved alike. */
export interface ResolvedType {
  readonly name: string;
  readonly kind: string;
  readonly typmod: number;
  readonly labels: readonly string[];
  readonly element: ResolvedType | null;
  /** It is a domain, whose own defaults are not those of its base type. */
  readonly isDomain: boolean;
}

/** @returns undefined for a type that is not among `types` (dropped meanwhile). */
export function resolveType(
  oid: number,
  typmod: number,
  types: ReadonlyMap<number, TypeInfo>,
): ResolvedType | undefined {
  let info = types.get(oid);
  let modifier = typmod;
  const isDomain = info?.kind === "d";
  while (info?.kind === "d") {
    // A domain's own modifier counts; the column's is always -1.
    if (info.baseTypmod !== -1) modifier = info.baseTypmod;
    info = types.get(info.baseOid);
  }
  if (!info) return undefined;
  const element = info.isArray ? resolveType(info.elementOid, modifier, types) : undefined;
  if (info.isArray && (!element || element.isDomain)) return { ...opaque(info), isDomain };
  return {
    name: info.name,
    kind: info.kind,
    typmod: modifier,
    labels: info.labels,
    element: element ?? null,
    isDomain,
  };
}

/** An array whose elements are of no known form. */
function opaque(info: TypeInfo): ResolvedType {
  return { name: info.name, kind: "opaque", typmod: -1, labels: [], element: null, isDomain: false };
}
