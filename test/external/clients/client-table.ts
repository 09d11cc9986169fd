/** What a run says about a client on the bundled broker. */
export interface ClientRow {
  readonly client: string;
  readonly version: string;
  readonly steps: readonly string[];
  /** "passes", or what failed. */
  readonly result: string;
}

const BEGIN = "<!-- clients: written by the external ring -->\n";
const END = "<!-- clients: end -->";
const HEAD = "| client | version | what is run | result |\n|---|---|---|---|\n";

/**
 * The document with these rows in its table of clients. The rows of other clients stay; all are in alphabetical order.
 *
 * @throws Error when the document has no such table.
 */
export function withClientRows(document: string, rows: readonly ClientRow[]): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`The document has no ${BEGIN.trim()} before a ${END}`);
  const table = document.slice(begin + BEGIN.length, end);
  const lines = new Map(
    table
      .split("\n")
      .slice(2)
      .filter((line) => line !== "")
      .map((line) => [line.split(" | ", 1)[0]!, line]),
  );
  for (const row of rows) lines.set(`| ${row.client}`, lineOf(row));
  const sorted = [...lines.keys()].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const body = sorted.map((key) => `${lines.get(key)}\n`).join("");
  return document.slice(0, begin + BEGIN.length) + HEAD + body + document.slice(end);
}

function lineOf({ client, version, steps, result }: ClientRow): string {
  return `| ${[client, version, steps.join("; "), result].join(" | ")} |`;
}
