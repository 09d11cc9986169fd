import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { root, sources } from "./sources.js";

/** The sources that keep a file of their own in dist. */
const [, list = ""] = /const LOADED = \[(.*?)\n\];/s.exec(readFileSync(join(root, "build.mjs"), "utf8")) ?? [];
const loaded = new Set([...list.matchAll(/"(src\/[\w/-]+)"/g)].map(([, path]) => path));

/** The sources that others load by the path of their compiled file. */
function loadedByPath(): Map<string, string> {
  const found = new Map<string, string>();
  const bench = readdirSync(join(root, "bench")).filter((name) => name.endsWith(".mjs"));
  const texts = [
    ...bench.map((name) => [`bench/${name}`, readFileSync(join(root, "bench", name), "utf8")] as const),
    ...sources("test"),
  ];
  for (const [from, text] of texts)
    for (const [, path] of text.matchAll(/\bdist\/(src\/[\w/-]+)\.js\b/g)) found.set(path!, from);
  for (const [from, text] of sources("src"))
    for (const [, path] of text.matchAll(/new Worker\(new URL\("\.\/([\w/-]+)\.js"/g))
      found.set(`${dirname(from)}/${path}`, from);
  for (const [from, text] of sources("src/worker"))
    for (const [, path] of text.matchAll(/"((?:host|connector)\/[\w-]+-thread)"/g))
      found.set(`src/worker/${path}`, from);
  return found;
}

describe("build.mjs", () => {
  test("keeps a file for every source that is loaded by its path: a bundled one has none", () => {
    const found = loadedByPath();
    expect(found.size).toBeGreaterThan(15);
    expect([...found].filter(([path]) => !loaded.has(path)).map(([path, from]) => `${path}, for ${from}`)).toEqual([]);
  });

  test("names sources that exist", () => {
    expect([...loaded].filter((path) => !existsSync(join(root, `${path}.ts`)))).toEqual([]);
  });
});
