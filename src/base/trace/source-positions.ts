import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";

/** The package's folder, from its compiled modules as from its sources. */
const ROOT = new URL(import.meta.url.endsWith(".ts") ? "../../../" : "../../../../", import.meta.url).href;
/** A position in a module that is loaded from a file. Its URL may hold parentheses, but no blank. */
const POSITION = /file:\/\/\S+?\.js:\d+:\d+/g;
const maps = new Map<string, SourceMap | undefined>();

/**
 * A stack with its positions in our compiled modules replaced by those in their sources, `src/kafka/…ts:12:3`: many
 * sources share one compiled module, whose name says little. Maps are read for the first stack that needs them; Node's
 * own option would read all of them at each start. Positions elsewhere stay, and all of them where maps are missing.
 */
export function withSourcePositions(stack: string, read: (url: string) => string = readMap, root = ROOT): string {
  return stack.replace(POSITION, (position) => {
    const [, url = "", line, column] = /^(.*):(\d+):(\d+)$/.exec(position) ?? [];
    if (!url.startsWith(`${root}dist/`)) return position;
    const entry = mapOf(url, read)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (!entry || !("originalSource" in entry)) return position;
    const source = new URL(entry.originalSource, url).href.slice(root.length);
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(url: string, read: (url: string) => string): SourceMap | undefined {
  if (!maps.has(url)) {
    let map: SourceMap | undefined;
    try {
      map = new SourceMap(JSON.parse(read(`${url}.map`)));
    } catch {
      // The stack is for an error of its own: that one must be shown, in whatever positions.
    }
    maps.set(url, map);
  }
  return maps.get(url);
}

function readMap(url: string): string {
  return readFileSync(new URL(url), "utf8");
}
