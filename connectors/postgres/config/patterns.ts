import { ConfigError } from "../../../src/api/index.js";

/** A compiled regular expression that must match the whole of a name, case aside, as Debezium's lists do. */
export interface Pattern {
  readonly text: string;
  matches(name: string): boolean;
}

/** `table` selects tables by `schema.table`; `columns` are matched, in this order, as `table.column`. */
export interface KeyColumnsRule {
  readonly columns: readonly Pattern[];
}

/**
 * Splits a list at its commas; a backslash protects the next character, so `\,` is a comma within a pattern.
 *
 * @returns null for an unset or blank list.
 * @throws SyntaxError for what is no regular expression.
 */
export function compilePatterns(list: string | null): readonly Pattern[] | null {
  if (list === null || list.trim() === "") return null;
  return splitList(list).map(compilePattern);
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

function compilePattern(text: string): Pattern {
  const expression = new RegExp(`^(?:${text})$`, "is");
  return { text, matches: (name) => expression.test(name) };
}

const KEY_COLUMNS = /^\s*([^:]+):([^:,]+(,[^:,]+)*)\s*$/;

/**
 * Parses `message.key.columns`: `<table pattern>:<column>[,<column>…]`, several with `;` between.
 *
 * @throws ConfigError for a part that does not read so.
 */
export function parseKeyColumns(text: string): KeyColumnsRule[] {
  return text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const found = KEY_COLUMNS.exec(part);
      if (!found) {
        throw new ConfigError(
          "message.key.columns",
          `The 'message.key.columns' value is invalid: ${part.trim()} has an invalid format (expecting '<table pattern>:<column>[,<column>...]')`,
        );
      }
      const columns = found[2]!.split(",").map((column) => compilePattern(`${found[1]!.trim()}\\.${column.trim()}`));
      return { columns };
    });
}
