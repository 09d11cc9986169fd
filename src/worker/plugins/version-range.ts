import { ConfigError } from "../../api/index.js";
import { compareVersions } from "./maven-version.js";

/** The versions that a `plugin.version` key accepts. */
export interface VersionRange {
  contains(version: string): boolean;
  /** As Kafka Connect shows it: `[1.0,2.0)`; a single version as `[1.0,1.0]`. */
  toString(): string;
}

interface Restriction {
  /** Empty: no limit. */
  readonly lower: string;
  readonly upper: string;
  readonly lowerIncluded: boolean;
  readonly upperIncluded: boolean;
  /** One version in brackets. It may be empty, and then accepts no version. */
  readonly single: boolean;
}

/**
 * A `plugin.version` key (KIP-891): a version, or a Maven range such as `[1.0,2.0),[3.0,)`. Undefined if the key is
 * absent or `latest`: then every version will do.
 *
 * @throws ConfigError for text that is no range, with Maven's message.
 */
export function parseVersionRange(text: string | null | undefined): VersionRange | undefined {
  if (text == null || text === "latest") return undefined;
  const spec = text.trim();
  const restrictions = /^[[(]/.test(spec) ? restrictionsOf(spec) : [single(spec)];
  return {
    contains: (version) => restrictions.some((restriction) => includes(restriction, version)),
    toString: () => restrictions.map(shown).join(","),
  };
}

function restrictionsOf(spec: string): Restriction[] {
  const restrictions: Restriction[] = [];
  let rest = spec;
  while (/^[[(]/.test(rest)) {
    const end = rest.search(/[)\]]/);
    if (end < 0) throw invalid("Unbounded range", spec);
    const restriction = restrictionOf(rest.slice(0, end + 1));
    const before = restrictions.at(-1);
    const overlaps = (upper: string) => restriction.lower === "" || compareVersions(restriction.lower, upper) < 0;
    if (before && before.upper !== "" && overlaps(before.upper)) throw invalid("Ranges overlap", spec);
    restrictions.push(restriction);
    rest = rest
      .slice(end + 1)
      .trim()
      .replace(/^,\s*/, "");
  }
  if (rest !== "") throw invalid("Only fully-qualified sets allowed in multiple set scenario", spec);
  return restrictions;
}

function restrictionOf(spec: string): Restriction {
  const lowerIncluded = spec.startsWith("[");
  const upperIncluded = spec.endsWith("]");
  const inside = spec.slice(1, -1).trim();
  const comma = inside.indexOf(",");
  if (comma < 0) {
    if (!lowerIncluded || !upperIncluded) throw invalid("Single version must be surrounded by []", spec);
    return single(inside);
  }
  const lower = inside.slice(0, comma).trim();
  const upper = inside.slice(comma + 1).trim();
  if (lower !== "" && upper !== "") {
    const order = compareVersions(upper, lower);
    if (order < 0 || (order === 0 && !(lowerIncluded && upperIncluded)))
      throw invalid("Range defies version ordering", spec);
  }
  return { lower, upper, lowerIncluded, upperIncluded, single: false };
}

function single(version: string): Restriction {
  return { lower: version, upper: version, lowerIncluded: true, upperIncluded: true, single: true };
}

function includes({ lower, upper, lowerIncluded, upperIncluded, single }: Restriction, version: string): boolean {
  if (single || lower !== "") {
    const order = compareVersions(version, lower);
    if (order < 0 || (order === 0 && !lowerIncluded)) return false;
  }
  if (single || upper !== "") {
    const order = compareVersions(version, upper);
    if (order > 0 || (order === 0 && !upperIncluded)) return false;
  }
  return true;
}

function shown({ lower, upper, lowerIncluded, upperIncluded }: Restriction): string {
  return `${lowerIncluded ? "[" : "("}${lower},${upper}${upperIncluded ? "]" : ")"}`;
}

function invalid(what: string, spec: string): ConfigError {
  return new ConfigError("plugin.version", `${what}: ${spec}`);
}
