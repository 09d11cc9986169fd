import { getHashes } from "node:crypto";
import { ConfigError, type SubmittedProps } from "../../../src/api/index.js";
import { compilePatterns, type Pattern } from "./patterns.js";

/** How the values, or the schema, of a column are changed. */
export type ColumnAction =
  | { readonly kind: "truncate"; readonly length: number }
  | { readonly kind: "mask"; readonly length: number }
  | { readonly kind: "propagate" }
  | {
      readonly kind: "hash";
      /** In Node's spelling. */
      readonly algorithm: string;
      readonly salt: string;
      /** 1 hashes the text as Java serializes it, 2 its UTF-8. */
      readonly version: 1 | 2;
    };

export interface ColumnRule {
  readonly action: ColumnAction;
  readonly patterns: readonly Pattern[];
  /** Matches `schema.table.type`, not `schema.table.column`. */
  readonly isByType: boolean;
}

/** The forms of keys that carry parameters in their names, in the order in which Debezium applies them. */
const FORMS: readonly [RegExp, (groups: readonly string[], key: string) => ColumnAction][] = [
  [/^column\.truncate\.to\.(\d+)\.chars$/, ([, length]) => ({ kind: "truncate", length: Number(length) })],
  [/^column\.mask\.with\.(\d+)\.chars$/, ([, length]) => ({ kind: "mask", length: Number(length) })],
  [/^column\.propagate\.source\.type$/, () => ({ kind: "propagate" })],
  [/^datatype\.propagate\.source\.type$/, () => ({ kind: "propagate" })],
  [/^column\.mask\.hash\.(?!v2\.)([^.]+)\.with\.salt\.(.+)$/, (groups, key) => hash(groups, key, 1)],
  [/^column\.mask\.hash\.v2\.([^.]+)\.with\.salt\.(.+)$/, (groups, key) => hash(groups, key, 2)],
];

/**
 * The rules for columns, of which the first that matches counts.
 *
 * @throws ConfigError for a key of a form that only resembles a rule: ignored, it would publish what it should hide; for
 *   an unknown hash, and for invalid patterns.
 */
export function parseColumnRules(props: SubmittedProps): ColumnRule[] {
  const keys = Object.keys(props).filter((key) => isColumnRule(key) && props[key]?.trim());
  for (const key of keys)
    if (!FORMS.some(([form]) => form.test(key)))
      throw new ConfigError(
        key,
        `${key} is no rule for columns: expected column.truncate.to.<n>.chars, column.mask.with.<n>.chars, column.mask.hash.<algorithm>.with.salt.<salt> or column.mask.hash.v2.<algorithm>.with.salt.<salt>`,
      );
  return FORMS.flatMap(([form, actionOf]) =>
    keys.flatMap((key) => {
      const groups = form.exec(key);
      if (!groups) return [];
      const patterns = compilePatterns(key, props[key]!) ?? [];
      return [{ action: actionOf(groups, key), patterns, isByType: key.startsWith("datatype.") }];
    }),
  );
}

/** Whether the key is a rule for columns, or meant to be one. */
export function isColumnRule(key: string): boolean {
  return /^column\.(truncate|mask)\./.test(key) || /^(column|datatype)\.propagate\.source\.type$/.test(key);
}

function hash([, name, salt]: readonly string[], key: string, version: 1 | 2): ColumnAction {
  // Java's SHA-256, SHA-512/256 and SHA3-256 are sha256, sha512-256 and sha3-256 here.
  const algorithm = name!.toLowerCase().replace(/^sha-/, "sha").replace("/", "-");
  if (!getHashes().includes(algorithm))
    throw new ConfigError(key, `${key} names a hash that is not available here: ${name}. Use SHA-256 or SHA-512`);
  return { kind: "hash", algorithm, salt: salt!, version };
}
