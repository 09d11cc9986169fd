/** A fault in a properties file, with its line number. */
export class PropertiesError extends Error {
  override readonly name = "PropertiesError";
  constructor(
    readonly line: number,
    detail: string,
  ) {
    super(`line ${line}: ${detail}`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

/**
 * Parses a Java properties file (java.util.Properties.load): `#` and `!` start comments; `=`, `:` or blanks separate
 * key and value; a backslash at the end continues the line; `\uXXXX` and the one-letter escapes work. The last of equal
 * keys wins.
 *
 * @throws PropertiesError for a malformed `\u` escape.
 */
export function parseProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  const lines = text.split(/\r\n|\n|\r/);
  for (let at = 0; at < lines.length; at++) {
    const first = at + 1;
    let line = lines[at]!.replace(/^[ \t\f]+/, "");
    if (line === "" || line.startsWith("#") || line.startsWith("!")) continue;
    while (endsInOddBackslashes(line) && at + 1 < lines.length) {
      line = line.slice(0, -1) + lines[++at]!.replace(/^[ \t\f]+/, "");
    }
    if (endsInOddBackslashes(line)) line = line.slice(0, -1);
    const keyEnd = /(?:[^\\=: \t\f]|\\.)*/s.exec(line)![0].length;
    const valueStart = keyEnd + /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.slice(keyEnd))![0].length;
    properties[unescaped(line.slice(0, keyEnd), first)] = unescaped(line.slice(valueStart), first);
  }
  return properties;
}

function endsInOddBackslashes(line: string): boolean {
  return /\\*$/.exec(line)![0].length % 2 === 1;
}

function unescaped(text: string, line: number): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|u|.)/gs, (_, code: string) => {
    if (code === "u") throw new PropertiesError(line, "malformed \\uXXXX escape");
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return ESCAPES[code] ?? code;
  });
}
