import { describe, expect, test } from "vitest";
import { sources } from "./sources.js";

const DEFINITION = /^\s+"([a-z][a-z0-9]*(?:\.[a-z0-9]+)+)": \{/gm;

/** The config keys that more than one file of a layered tree defines, each with its files. */
function definedTwice(files: ReadonlyMap<string, string>): Map<string, readonly string[]> {
  const places = new Map<string, string[]>();
  for (const [path, text] of files) {
    for (const key of new Set([...text.matchAll(DEFINITION)].map((match) => match[1]!)))
      places.set(key, [...(places.get(key) ?? []), path]);
  }
  return new Map([...places].filter(([, paths]) => paths.length > 1));
}

describe("config keys", () => {
  test("of src are each defined in one file", () => {
    const twice = definedTwice(sources("src"));
    // The worker's key, and the connector's, whose default is the worker's.
    twice.delete("header.converter");
    // JsonConverter's, and that of the transformations, which share theirs.
    twice.delete("replace.null.with.default");
    // Of the broker's listeners and of REST's.
    twice.delete("ssl.client.auth");
    // Of two transformations, which require it, and of two others, which do not.
    twice.delete("topic.regex");
    // Of two transformations, whose defaults differ.
    twice.delete("route.by.field");
    expect([...twice]).toEqual([]);
  });

  test("that two files define are found", () => {
    const text = '  "errors.tolerance": { type: "string" },\n';
    expect([
      ...definedTwice(
        new Map([
          ["a.ts", text],
          ["b.ts", text],
        ]),
      ).keys(),
    ]).toEqual(["errors.tolerance"]);
  });
});
