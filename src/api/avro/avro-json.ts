import { DataError } from "../errors.js";
import { javaDouble } from "../values/java-number.js";

/** A number in an Avro schema, as Java prints it: integers with all their digits, `1.50` as `1.5`. */
export class AvroNumber {
  constructor(readonly text: string) {}

  static integer(value: number | bigint): AvroNumber {
    return new AvroNumber(String(value));
  }

  static double(value: number): AvroNumber {
    return new AvroNumber(javaDouble(value));
  }

  get isIntegral(): boolean {
    return /^-?\d+$/.test(this.text);
  }
}

/** A JSON value in an Avro schema. Objects are Maps: the order of their keys is part of a schema's text. */
export type AvroJson = null | boolean | string | AvroNumber | readonly AvroJson[] | ReadonlyMap<string, AvroJson>;

const DEEPEST = 1000;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const BLANKS = /[ \t\r\n]*/y;

/**
 * Parses the JSON of an Avro schema.
 * @throws DataError SCHEMA_INVALID, with the position of the fault.
 */
export function parseAvroJson(text: string): AvroJson {
  let at = 0;
  const fault = () => new DataError("SCHEMA_INVALID", `The Avro schema is no JSON, from character ${at} on`);
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found;
  };
  const blanks = () => match(BLANKS);
  const take = (c: string) => {
    blanks();
    if (text[at] !== c) return false;
    at++;
    return true;
  };
  const string = () => {
    const found = match(STRING);
    if (!found) throw fault();
    try {
      return JSON.parse(found[0]) as string;
    } catch {
      throw fault();
    }
  };
  const value = (depth: number): AvroJson => {
    if (depth > DEEPEST) throw new DataError("SCHEMA_INVALID", `The Avro schema nests deeper than ${DEEPEST} levels`);
    if (take("{")) {
      const members = new Map<string, AvroJson>();
      if (take("}")) return members;
      do {
        blanks();
        const name = string();
        if (!take(":")) throw fault();
        members.set(name, value(depth + 1));
      } while (take(","));
      if (!take("}")) throw fault();
      return members;
    }
    if (take("[")) {
      const items: AvroJson[] = [];
      if (take("]")) return items;
      do items.push(value(depth + 1));
      while (take(","));
      if (!take("]")) throw fault();
      return items;
    }
    if (text[at] === '"') return string();
    for (const [word, meaning] of WORDS) {
      if (!text.startsWith(word, at)) continue;
      at += word.length;
      return meaning;
    }
    const number = match(NUMBER);
    if (!number) throw fault();
    const [literal, fraction, exponent] = number;
    if (fraction === undefined && exponent === undefined) return new AvroNumber(literal === "-0" ? "0" : literal);
    return AvroNumber.double(Number(literal));
  };
  const parsed = value(0);
  blanks();
  if (at < text.length) throw fault();
  return parsed;
}

const WORDS: readonly (readonly [string, AvroJson])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/** Prints JSON as Jackson does: no blanks, non-ASCII characters as they are. */
export function avroJsonText(json: AvroJson): string {
  if (json === null || typeof json === "boolean") return String(json);
  if (typeof json === "string") return quoted(json);
  if (json instanceof AvroNumber) return json.text;
  if (json instanceof Map) {
    const members = [...(json as ReadonlyMap<string, AvroJson>)];
    return `{${members.map(([name, member]) => `${quoted(name)}:${avroJsonText(member)}`).join(",")}}`;
  }
  return `[${(json as readonly AvroJson[]).map(avroJsonText).join(",")}]`;
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

/** A JSON string. */
export function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them.
  const escaped = text.replace(/["\\\u0000-\u001f]/g, (c) => {
    return SHORT[c] ?? `\\u${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}
