import { notA } from "./number-text.js";

const PAIR = /\s*"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|(NULL))\s*(,|$)/suy;

/** Parses hstore's text, `"a"=>"1", "b"=>NULL`, and keeps its order. */
export function parseHstore(text: string): Map<string, string | null> {
  const pairs = new Map<string, string | null>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < text.length) {
    const found = PAIR.exec(text);
    if (!found) throw notA("an hstore");
    pairs.set(unescaped(found[1]!), found[3] ? null : unescaped(found[2]!));
  }
  return pairs;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gsu, "$1");
}
