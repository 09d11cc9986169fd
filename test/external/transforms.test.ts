import { readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { parseJsonNumbers } from "../../src/base/exact-json.js";
import { fixedSeedOf } from "../support/seed.js";
import { expressionCases, smallerCases } from "./debezium-cases.js";
import { type Answer, askJava, askOurs, type Result, type TransformCase } from "./java-transformer.js";
import { findPeers, installJars, installPeers } from "./peers.js";
import { dateCases, debeziumCases, kafkaCases } from "./transform-cases.js";

const { script, missing } = findPeers();
/** Debezium's transformations with expressions are published apart from the connectors, and last as 3.5. */
const SCRIPTING = [
  "io.debezium:debezium-scripting:3.5.0.Final",
  "org.apache.groovy:groovy:4.0.28",
  "org.apache.groovy:groovy-jsr223:4.0.28",
];
/** For each transformation, with several records each. */
const CASES = 300;

interface Difference {
  readonly type: string;
  readonly props: TransformCase["props"];
  readonly record: unknown;
  readonly java: unknown;
  readonly ours: unknown;
}

function differences(given: TransformCase, java: Answer, ours: Answer): Difference[] {
  const { type, props } = given;
  if ("refused" in ours && /not supported for reading/.test(ours.refused)) return [];
  // Ours takes more rules.
  if ("refused" in java && /Invalid (?:in|ex)clude list format/.test(java.refused)) return [];
  if ("refused" in java || "refused" in ours)
    return "refused" in java && "refused" in ours ? [] : [{ type, props, record: null, java, ours }];
  return java.results.flatMap((theirs, at) => {
    const mine = ours.results[at]!;
    const isKnown =
      isListed(type, theirs, mine) ||
      isListedOfEventRouter(given, given.records[at], theirs, mine) ||
      isListedOfHeaderToValue(given, theirs, mine);
    return isSame(theirs, mine) || isKnown
      ? []
      : [{ type, props, record: given.records[at], java: theirs, ours: mine }];
  });
}

/** The differences of docs/compatibility.md: the transformation, whose answer shows it, and what that says. */
const LISTED: readonly (readonly [type: string, side: "java" | "ours", answer: RegExp])[] = [
  ["ExtractNewRecordState", "java", /because "schema" is null/],
  ["Cast", "java", /SchemaBuilderException: Invalid default value/],
  // It keeps one schema of the value for all payloads.
  ["outbox.EventRouter", "java", /Invalid Java object for schema|Struct schemas do not match/],
  ["SetSchemaMetadata", "java", /Cannot list fields on non-struct type/],
  ["TimestampConverter", "ours", /outside the range of INT32/],
  ["DecodeLogicalDecodingMessageContent", "java", /NullPointerException/],
  // Groovy takes a text of one character for that character's number.
  ["debezium.transforms.Filter", "ours", /neither smaller nor larger/],
  ["ContentBasedRouter", "ours", /neither smaller nor larger/],
  ["PartitionRouting", "java", /Unprocessable message/],
];

function isListed(type: string, java: Result, ours: Result): boolean {
  if (/not supported for reading/.test(String(ours["error"]))) return true;
  return LISTED.some(([name, side, answer]) => {
    const { error, unwritable } = side === "java" ? java : ours;
    return type.includes(`.${name}`) && answer.test(String(error ?? unwritable));
  });
}

/** Debezium keeps the first schema of an envelope, and leaves arrays unexpanded in one: docs/compatibility.md. */
function isListedOfEventRouter({ type, props }: TransformCase, record: unknown, java: Result, ours: Result): boolean {
  if (!type.endsWith(".EventRouter") || !/:envelope/.test(props["table.fields.additional.placement"] ?? ""))
    return false;
  if (/"payload":"\s*\[/.test(String((record as { value: unknown }).value))) return true;
  const contentOf = ({ value }: Result) =>
    JSON.stringify((parseJsonNumbers(String(value), canonicalNumber) as { payload: unknown }).payload);
  const isText = typeof java["value"] === "string" && typeof ours["value"] === "string";
  return isText && isSame({ ...java, value: null }, { ...ours, value: null }) && contentOf(java) === contentOf(ours);
}

/** Within an optional struct, Debezium makes the struct required: docs/compatibility.md. */
function isListedOfHeaderToValue({ type, props }: TransformCase, java: Result, ours: Result): boolean {
  if (!type.endsWith(".HeaderToValue") || !props["fields"]?.includes(".")) return false;
  const alike = (result: Result) =>
    JSON.stringify(result, (key, value: unknown) =>
      key === "value" && typeof value === "string" ? JSON.parse(value, withoutOptional) : value,
    );
  return alike(java) === alike(ours);
}

function withoutOptional(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || (value as { type?: unknown }).type !== "struct") return value;
  const { optional: __, ...rest } = value as Record<string, unknown>;
  return rest;
}

function isSame(java: Result, ours: Result): boolean {
  // The real converter refuses some results that the real transformation makes.
  if ("unwritable" in java) return true;
  if ("error" in java || "error" in ours) return "error" in java && "error" in ours;
  return withoutRoute(canonical(java)) === withoutRoute(canonical(ours));
}

/** The real EventRouter keeps the name of the first route. */
function withoutRoute(text: string): string {
  return text.replace(/shop\.outbox\.[^"]*Value/g, "shop.outbox.*.Value");
}

/** Maps without a schema in one order, and floats as values: JDKs before 19 print some with more digits. */
function canonical(result: Result): string {
  const text = (value: unknown) => (typeof value === "string" ? canonicalText(value) : value);
  const { key, value, headers = [], ...rest } = result;
  return JSON.stringify([rest, text(key), text(value), (headers as [string, unknown][]).map(([k, v]) => [k, text(v)])]);
}

function canonicalText(text: string): string {
  const { schema, payload } = parseJsonNumbers(text, canonicalNumber) as { schema: unknown; payload: unknown };
  return JSON.stringify([schema, schema === null ? sorted(payload) : payload], (_, value: unknown) =>
    typeof value === "string" && /^-?\d+\.\d+(?:E-?\d+)?$/.test(value) ? canonicalNumber(value) : value,
  );
}

function canonicalNumber(literal: string): string {
  if (/^-?\d+$/.test(literal)) return literal;
  const digits = literal
    .replace(/[eE].*/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "").length;
  return `#${digits <= 9 ? Math.fround(Number(literal)) : Number(literal)}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, sorted(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe.skipIf(missing !== undefined)("transformations answer like the real ones", () => {
  let shared = "";
  beforeAll(async () => {
    shared = await installPeers(script);
  }, 900_000);

  test.each([...expressionCases])("%s", async (name, cases) => {
    const sampled = fc.sample(cases, { numRuns: CASES, seed: fixedSeedOf(name) });
    const folders = [join(shared, "libs"), ...pluginFolders(shared), await installJars("scripting", SCRIPTING)];
    const java = await askJava(folders, sampled);
    expect(java).toHaveLength(sampled.length);
    const found = sampled.flatMap((given, at) => differences(given, java[at]!, askOurs(given)));
    expect(found.slice(0, 5)).toEqual([]);
  });

  for (const [name, cases] of [
    ...kafkaCases,
    ...debeziumCases,
    ...smallerCases,
    ["texts of dates", dateCases] as const,
  ]) {
    test(name, async () => {
      const seed = fixedSeedOf(name);
      const sampled = fc.sample(cases, { numRuns: CASES, seed });
      const folders = [join(shared, "libs"), ...pluginFolders(shared)];
      const java = await askJava(folders, sampled);
      expect(java).toHaveLength(sampled.length);
      const found = sampled.flatMap((given, at) => differences(given, java[at]!, askOurs(given)));
      expect(found.slice(0, 5)).toEqual([]);
    });
  }
});

/** Debezium's jars, of one connector. */
function pluginFolders(shared: string): readonly string[] {
  const plugins = join(shared, "plugins");
  return readdirSync(plugins)
    .filter((folder) => folder.startsWith("debezium-connector-postgres-"))
    .map((folder) => join(plugins, folder));
}
