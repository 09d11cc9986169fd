import type { ResolvedType } from "./type-info.js";

/** Per type, the constant that replaces a default computed at insert time. */
const COMPUTED: Readonly<Record<string, string>> = {
  bit: "0",
  varbit: "0",
  bool: "f",
  bpchar: "",
  varchar: "",
  text: "",
  numeric: "0",
  float4: "0",
  float8: "0",
  int2: "0",
  int4: "0",
  int8: "0",
  json: "{}",
  jsonb: "{}",
  xml: "",
  uuid: "00000000-0000-0000-0000-000000000000",
  date: "1970-01-01",
  time: "00:00:00",
  timestamp: "1970-01-01 00:00:00",
  timestamptz: "1970-01-01 00:00:00+00",
  interval: "00:00:00",
};

const CALL = /^\(?[A-Za-z0-9_."]+\(.*\)/s;
const KEYWORD = /^(current_timestamp|current_time|current_date|localtime|localtimestamp)\b/i;
const LITERAL = /^(E?)'((?:[^'\\]|''|\\.)*)'(?:::[\w\s".,()]+)?$/s;
const PLAIN = /^\(?(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false)\)?(?:::[\w\s".,()]+)?$/i;

/**
 * Turns a column default printed by `pg_get_expr` into the text form of its type.
 *
 * @returns undefined if the column has no default, or one that only the server can compute.
 */
export function defaultText(expression: string | null, type: ResolvedType): string | undefined {
  if (expression === null || type.isDomain || type.element) return undefined;
  const isEnum = type.kind === "e";
  if (!isEnum && !(type.name in COMPUTED)) return undefined;
  if (!isEnum && (CALL.test(expression) || KEYWORD.test(expression))) return COMPUTED[type.name];
  const literal = LITERAL.exec(expression);
  if (literal) {
    const text = literal[2]!.replaceAll("''", "'");
    return literal[1] === "E" ? text.replace(/\\(.)/gs, "$1") : text;
  }
  const plain = PLAIN.exec(expression)?.[1];
  if (plain === undefined || isEnum) return undefined;
  return type.name === "bool" ? plain.charAt(0).toLowerCase() : plain;
}
