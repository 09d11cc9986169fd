import type { QuotaEntity } from "./client-quota.js";

/** One condition of a filter of entities. */
export interface FilterPart {
  readonly entityType: string;
  /** EXACT, DEFAULT or SPECIFIED. */
  readonly matchType: number;
  readonly match: string | null;
}

const EXACT = 0;
const DEFAULT = 1;
/** Whatever its name, the default included. */
const SPECIFIED = 2;

/** Why a filter is refused; undefined: it is not. */
export function quotaFilterFault(
  parts: readonly FilterPart[],
): { readonly error: "INVALID_REQUEST" | "UNSUPPORTED_VERSION"; readonly message: string } | undefined {
  const invalid = (message: string) => ({ error: "INVALID_REQUEST", message }) as const;
  const types = new Set<string>();
  for (const { entityType, matchType, match } of parts) {
    if (entityType === "") return invalid("Invalid empty entity type.");
    if (types.has(entityType)) return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
    if (entityType !== "user" && entityType !== "client-id" && entityType !== "ip") {
      return { error: "UNSUPPORTED_VERSION", message: `Unsupported entity type ${entityType}` };
    }
    types.add(entityType);
    if (matchType === EXACT && match === null) {
      return invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.");
    }
    if (matchType === DEFAULT && match !== null) {
      return invalid("Request specified MATCH_TYPE_DEFAULT, but also specified a match string.");
    }
    if (matchType === SPECIFIED && match !== null) {
      return invalid("Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.");
    }
    if (matchType < EXACT || matchType > SPECIFIED) return invalid(`Unknown match type ${matchType}`);
  }
  if (types.has("ip") && types.size > 1) {
    const reason = "IP filter component should not be used with user or clientId filter component.";
    return invalid(`Invalid entity filter component combination. ${reason}`);
  }
  return undefined;
}

/** Whether an entity meets all conditions. @param strict it may have no other parts. */
export function matchesQuotaFilter(parts: readonly FilterPart[], strict: boolean, entity: QuotaEntity): boolean {
  if (strict && Object.keys(entity).length !== parts.length) return false;
  return parts.every(({ entityType, matchType, match }) => {
    const name = entity[entityType];
    if (name === undefined) return false;
    return matchType === SPECIFIED || name === (matchType === EXACT ? match : null);
  });
}
