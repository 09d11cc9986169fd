import { isArray, isObject, type Json, JsonNumber } from "./json-value.js";

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** A JSON text without blanks, as Jackson prints it. @param number the text of a number, by default its own */
export function writeJson(value: Json, number: (literal: string) => string = (literal) => literal): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quoted(value);
  if (value instanceof JsonNumber) return number(value.literal);
  if (isArray(value)) return `[${value.map((item) => writeJson(item, number)).join(",")}]`;
  if (!isObject(value)) throw new TypeError("not a JSON value");
  return `{${[...value].map(([key, item]) => `${quoted(key)}:${writeJson(item, number)}`).join(",")}}`;
}

/** A JSON string. Only what has to be escaped is. */
export function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped
  return `"${text.replace(/["\\\u0000-\u001f]/g, (char) => SHORT[char] ?? unicode(char))}"`;
}

function unicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
