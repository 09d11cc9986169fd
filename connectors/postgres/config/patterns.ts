import { ConfigError, javaPattern } from "../../../src/api/index.js";

/** A Java regular expression that matches a whole name, ignoring the case of ASCII letters, as in Debezium's lists. */
export interface Pattern {
  readonly text: string;
  matches(name: string): boolean;
}

/** One part of `message.key.columns`: a pattern of `schema.table.column` for each key column, in order. */
export interface KeyColumnsRule {
  readonly columns: readonly Pattern[];
}

/**
 * Splits a list at its commas; a backslash protects the next character, so `\,` is a comma within a pattern.
 *
 * @param key the list's configuration key.
 * @returns null for an unset or blank list.
 * @throws ConfigError naming `key` for a pattern that is invalid in Java or not supported.
 */
export function compilePatterns(key: string, list: string | null): readonly Pattern[] | null {
  if (list === null || list.trim() === "") return null;
  return splitList(list).map((text) => compilePattern(key, text));
}

/** Items between commas that no backslash protects, trimmed, without the empty ones. */
function splitList(list: string): string[] {
  const items: string[] = [];
  let item = "";
  for (let at = 0; at < list.length; at++) {
    const letter = list[at]!;
    if (letter === "\\" && at + 1 < list.length) {
      const next = list[++at]!;
      item += next === "," ? "," : letter + next;
    } else if (letter === ",") {
      items.push(item);
      item = "";
    } else {
      item += letter;
    }
  }
  items.push(item);
  return items.map((text) => text.trim()).filter((text) => text !== "");
}

function compilePattern(key: string, text: string): Pattern {
  const expression = javaPattern(key, text, { ignoresCase: true });
  return { text, matches: (name) => expression.test(name) };
}

const KEY_COLUMNS = /^\s*([^:]+):([^:,]+(,[^:,]+)*)\s*$/;

/**
 * Parses `message.key.columns`: `<table pattern>:<column>[,<column>…]`, separated by `;`.
 *
 * @throws ConfigError for a part of another form, or with an invalid pattern.
 */
export function parseKeyColumns(text: string): KeyColumnsRule[] {
  const key = "message.key.columns";
  return text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const found = KEY_COLUMNS.exec(part);
      if (!found)
        throw new ConfigError(
          key,
          `${part.trim()} has an invalid format (expecting '<table pattern>:<column>[,<column>...]')`,
        );
      const table = found[1]!.trim();
      // One pattern, as in Debezium: its dot matches any character.
      return { columns: found[2]!.split(",").map((column) => compilePattern(key, `${table}.${column.trim()}`)) };
    });
}
