import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type ConnectValue, decimalScale, decodeUnscaled, LOGICAL, type Schema } from "../../src/api/index.js";
import { parseValue } from "../../src/converters/connect-values.js";
import { SimpleHeaderConverter } from "../../src/converters/simple-header-converter.js";
import { fixedSeedOf } from "../support/seed.js";
import { findPeers, installPeers } from "./peers.js";
import { runJava } from "./run-java.js";

const { script, missing } = findPeers();
const CASES = 2000;
const converter = new SimpleHeaderConverter();

/** What a converter reads from a header, and writes of that. */
interface Reading {
  readonly schema?: unknown;
  readonly value?: unknown;
  readonly written?: string | null;
  readonly error?: string;
}

const scalar = fc.oneof(
  fc.constantFrom(
    ...["a", "true", "false", "null", "TRUE", "é😀", "x y", "NaN", "Infinity", "1d", "0x1", "-", "+", ".", ".5", "1."],
    ...["127", "128", "-129", "40000", "3000000000", "9223372036854775807", "-9223372036854775808", "-0", "+5", "00"],
    ...["9223372036854775808", "1.5", "0.1", "1e3", "1E-3", "3.4e38", "1e39", "1e308", "1e309", "-1e400", "1.0"],
    ...["1e-50", "1e-400", "16777217", "0.30000000000000004", "2024-01-31", "2024-02-30", "24-1-1", "2024-13-45"],
    ...["9999-12-31", "12:34:56.789Z", "00:61:61.000Z", "25:61:61.000Z", "2024-01-31T12:34:56.789Z"],
    ...["2024-01-31T99:34:56.789Z", "2024-01-31 12:34", "12:34"],
  ),
  fc.integer().map(String),
  fc.double().map(String),
);
const quoted = fc
  .oneof(scalar, fc.constantFrom("", "a,b", "a:b", "[1]", "{}"), fc.constantFrom(" ", String.raw`\"`, String.raw`\n`))
  .map((text) => `"${text}"`);
const blank = fc.constantFrom("", "", "", "", " ", "  ", "\t", "\n");
const padded = (text: fc.Arbitrary<string>) => fc.tuple(blank, text, blank).map((parts) => parts.join(""));

const { value } = fc.letrec<{ value: string; list: string; map: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    { weight: 4, arbitrary: scalar },
    { weight: 3, arbitrary: quoted },
    { weight: 2, arbitrary: tie("list") },
    { weight: 2, arbitrary: tie("map") },
  ),
  list: fc
    .tuple(fc.array(padded(tie("value")), { maxLength: 3 }), fc.constantFrom("", "", "", ","))
    .map(([items, end]) => `[${items.join(",")}${end}]`),
  map: fc
    .tuple(
      fc.array(fc.tuple(padded(fc.oneof(quoted, quoted, tie("value"))), padded(tie("value"))), { maxLength: 3 }),
      fc.constantFrom(",", ",", " "),
      fc.constantFrom("", "", ","),
    )
    .map(([entries, between, end]) => `{${entries.map(([key, of]) => `${key}:${of}`).join(between)}${end}}`),
}));
const damaged = fc
  .tuple(value, fc.nat(), fc.constantFrom("", ...'[]{},:\\ 1a"'))
  .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1));
const noise = fc.string({ unit: fc.constantFrom(...'[]{}:,"\\ 1.eE+-atrufalsen2T0Z'), maxLength: 10 });
const texts = fc.oneof(
  { weight: 4, arbitrary: padded(value) },
  { weight: 2, arbitrary: damaged },
  { weight: 1, arbitrary: noise },
);

/** Each difference of docs/compatibility.md that the text and the two readings show. */
function isListed(text: string, java: Reading, ours: Reading): boolean {
  // Exponents beyond 1000 are texts here.
  if (/e[-+]?\d{4}/i.test(text)) return true;
  if (java.error !== undefined) return text.trim() === "null" && ours.schema === null;
  // Java leaves the escapes in and the blanks of a blank text out.
  if (/\\|"\s+"/.test(text)) return true;
  // Java takes blanks and signs for digits of a date.
  if (/data\.(?:Date|Time)/.test(JSON.stringify(java.schema)) && /\d[-:] *[-+ ]\d/.test(text)) return true;
  if (isCut(text, java) && ours.value === `text ${text}`) return true;
  // A time of more than a day.
  if (/\b(?:2[4-9]|[3-9]\d):/.test(text)) return true;
  // Items of which Java takes a schema that they do not have, or refuses the whole text.
  const lacksSchema = JSON.stringify(ours.schema).includes(",null]");
  return lacksSchema && (hasTemporal(text) || /[[{].*[[{]/s.test(text) || isCut(text, java));
}

/** Whether Java reads the beginning of the text only. */
function isCut(text: string, java: Reading): boolean {
  if (typeof java.value === "string" && java.value.startsWith("text ")) return java.value.length - 5 < text.length;
  for (let end = 0; end < text.length; end++) {
    if (text.slice(end).trim() !== "" && isSame(java, readOurs(text.slice(0, end)))) return true;
  }
  return false;
}

function hasTemporal(text: string): boolean {
  return /\d\d-\d\d|\d\d:\d\d:/.test(text);
}

function isSame(java: Reading, ours: Reading): boolean {
  // A key of a JavaScript Map is never -0.
  const typed = ({ schema, value: read }: Reading) =>
    JSON.stringify([schema, read]).replaceAll("float 80000000", "float 0");
  if (typed(java) !== typed(ours)) return false;
  // JDKs before 19 print some floats with more digits; decimals without a schema are texts here.
  const isPlain = (written: string) => !/\d\.\d|\dE/.test(written) && !typed(java).includes("text *");
  return java.written == null || ours.written == null || !isPlain(java.written) || java.written === ours.written;
}

function readOurs(text: string): Reading {
  const header = converter.toConnectHeader("t", "h", Buffer.from(text));
  return {
    schema: schemaOf(header.schema),
    value: dataOf(header.schema, header.value),
    written: converter.fromConnectHeader("t", header)?.toString("utf8") ?? null,
  };
}

function schemaOf(schema: Schema | null | undefined): unknown {
  if (!schema) return null;
  const type = schema.type.toUpperCase();
  return [
    ...[type, schema.name ?? null, schema.version ?? null, schema.optional, schema.parameters?.["scale"] ?? null],
    ...(type === "MAP" ? [schemaOf(schema.keySchema)] : []),
    ...(type === "MAP" || type === "ARRAY" ? [schemaOf(schema.valueSchema)] : []),
  ];
}

function dataOf(schema: Schema | null | undefined, read: ConnectValue): unknown {
  if (read === null) return null;
  if (Array.isArray(read)) return read.map((item: ConnectValue) => dataOf(schema?.valueSchema, item));
  if (read instanceof Map) {
    const entries = [...(read as Map<ConnectValue, ConnectValue>)];
    return { map: entries.map(([key, of]) => [dataOf(schema?.keySchema, key), dataOf(schema?.valueSchema, of)]) };
  }
  if (!schema) return plainOf(read);
  const bytes = Buffer.alloc(8);
  if (schema.name === LOGICAL.date) return `date ${Number(read) * 86_400_000}`;
  if (schema.name === LOGICAL.time || schema.name === LOGICAL.timestamp) return `date ${read}`;
  if (schema.name === LOGICAL.decimal) return `decimal ${decodeUnscaled(read as Buffer)} ${decimalScale(schema)}`;
  if (schema.type === "float32")
    return `float ${bytes.readUInt32BE(bytes.writeFloatBE(Number(read)) - 4).toString(16)}`;
  if (schema.type === "float64")
    return `double ${bytes.readBigUInt64BE(bytes.writeDoubleBE(Number(read)) - 8).toString(16)}`;
  return `${schema.type === "string" ? "text" : schema.type === "boolean" ? "boolean" : "int"} ${read}`;
}

/** An item without a schema. Dates and decimals are texts here. */
function plainOf(read: ConnectValue): string {
  if (typeof read === "boolean") return `boolean ${read}`;
  if (typeof read === "string") return parseValue(read).schema?.name ? "text *" : `text ${read}`;
  return `number ${Math.fround(Number(read))}`;
}

/** Java's own spelling of a float, for comparison. */
function numbersAsHere(reading: Reading): Reading {
  const text = JSON.stringify(reading.value ?? null).replace(
    /"number ([^"]*)"/g,
    (_, number: string) => `"number ${Math.fround(Number(number))}"`,
  );
  return { ...reading, value: JSON.parse(text) as unknown };
}

describe.skipIf(missing !== undefined)("SimpleHeaderConverter", () => {
  let shared = "";
  beforeAll(async () => {
    shared = await installPeers(script);
  }, 900_000);

  test("reads texts like the real one", async () => {
    const sampled = fc.sample(texts, { numRuns: CASES, seed: fixedSeedOf("header values") });
    const lines = sampled.map((text) => Buffer.from(text).toString("base64"));
    const java = await runJava("JavaHeaders.java", [join(shared, "libs")], lines, ["-Duser.timezone=UTC"]);
    expect(java).toHaveLength(sampled.length);
    const found = sampled.flatMap((text, at) => {
      const [theirs, ours] = [numbersAsHere(java[at] as Reading), readOurs(text)];
      return isSame(theirs, ours) || isListed(text, theirs, ours)
        ? []
        : [`${JSON.stringify(text)}: ${JSON.stringify(theirs)} | ${JSON.stringify(ours)}`];
    });
    expect(found.slice(0, 5)).toEqual([]);
  });
});
