import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf } from "./floors.js";

const root = new URL("../../", import.meta.url).pathname;
const text = readFileSync(join(root, "docs", "architecture.md"), "utf8");

interface Stop {
  readonly walk: string;
  readonly file: string;
  readonly driver: string;
  /** The contract that file and driver both import, if neither imports the other. */
  readonly contract: string | undefined;
}

/** The rows of every table under a heading "The walk …". */
function stopsOf(markdown: string): Stop[] {
  const stops: Stop[] = [];
  let walk: string | undefined;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("## ")) walk = line.startsWith("## The walk") ? line.slice(3) : undefined;
    const row = /^\| \d+ \| [^|]+ \| `([^`]+)` \| `([^`]+)`(?: at `([^`]+)`)? \|/.exec(line);
    if (walk !== undefined && row) stops.push({ walk, file: row[1]!, driver: row[2]!, contract: row[3] });
    else if (walk !== undefined && /^\| \d/.test(line)) throw new Error(`${walk}: this row cannot be read: ${line}`);
  }
  return stops;
}

function imports(file: string): string[] {
  return importsOf(`${file}.ts`, readFileSync(join(root, `${file}.ts`), "utf8")).files.map((path) =>
    path.replace(/\.ts$/, ""),
  );
}

/** The fault of a row, or undefined. */
function faultOf({ file, driver, contract }: Stop, before: Stop | undefined): string | undefined {
  for (const name of [file, driver, ...(contract ? [contract] : [])]) {
    if (!existsSync(join(root, `${name}.ts`))) return `${name}.ts does not exist`;
  }
  if (contract !== undefined) {
    const strangers = [file, driver].filter((name) => !imports(name).includes(contract));
    return strangers.length > 0 ? `${strangers.join(" and ")} does not import ${contract}` : undefined;
  }
  const meets = (a: string, b: string) => imports(a).includes(b) || imports(b).includes(a);
  if (!meets(file, driver)) return `${file} and ${driver} do not import each other`;
  return before === undefined ||
    meets(file, before.file) ||
    before.driver === driver ||
    before.driver === file ||
    before.file === driver
    ? undefined
    : `${file} has nothing to do with the stop before it, ${before.file}`;
}

describe("the walks of docs/architecture.md", () => {
  const stops = stopsOf(text);

  test("are there", () => {
    expect(new Set(stops.map(({ walk }) => walk)).size).toBe(3);
    expect(stops.length).toBeGreaterThan(30);
  });

  test.each(stops.map((stop, at) => [stop.file, stop, stops[at - 1]] as const))("%s", (_, stop, previous) => {
    expect(faultOf(stop, previous?.walk === stop.walk ? previous : undefined)).toBeUndefined();
  });

  test("every file that the document names exists", () => {
    const named = [...text.matchAll(/`((?:src|connectors|test)\/[\w./-]+)`/g)].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(80);
    const missing = named.filter((path) => !["", ".ts", ".test.ts"].some((end) => existsSync(join(root, path + end))));
    expect(missing).toEqual([]);
  });
});

describe("the check of the walks", () => {
  test("finds a missing file, and neighbours that do not import each other", () => {
    const stop = { walk: "w", file: "src/base/clock", driver: "src/base/deferred", contract: undefined };
    expect(faultOf(stop, undefined)).toBe("src/base/clock and src/base/deferred do not import each other");
    expect(faultOf({ ...stop, file: "src/base/gone" }, undefined)).toBe("src/base/gone.ts does not exist");
    expect(faultOf({ ...stop, contract: "src/api/clock" }, undefined)).toBe(
      "src/base/deferred does not import src/api/clock",
    );
  });
});
