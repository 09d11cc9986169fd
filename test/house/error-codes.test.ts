import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../../src/api/error-code.js";
import { bundledConnectors } from "./connectors.js";
import { sources } from "./sources.js";

const USE =
  /(?:new (?:Retriable|Data|NotFound|Conflict|Unsupported)Error\(|\bcode:)\s*(?:[\w.!= ]+\?\s*)?"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g;

/** The codes of created errors, by file. Kafka's and the system's codes come from elsewhere. */
function usesIn(files: Iterable<readonly [string, string]>): (readonly [path: string, code: string])[] {
  return [...files].flatMap(([path, text]) => [...text.matchAll(USE)].map((use) => [path, use[1]!] as const));
}

describe("error codes", async () => {
  const files = sources("src", "connectors");
  const connectors = await bundledConnectors();
  const core = [...files].filter(([path]) => path.startsWith("src/") && path !== "src/api/error-code.ts");

  test("of src are each declared once and used", () => {
    const declared = Object.keys(ERROR_CODES);
    expect(usesIn(core).filter(([, code]) => !declared.includes(code))).toEqual([]);
    const unused = declared.filter(
      (code) => ![...files].some(([path, text]) => path !== "src/api/error-code.ts" && text.includes(`"${code}"`)),
    );
    expect(unused).toEqual([]);
  });

  test.each([...connectors])("of the connector %s are declared by it, under its name, and used", (name, plugins) => {
    const own = plugins.flatMap(({ errorCodes }) => Object.keys(errorCodes ?? {}));
    expect(own.filter((code) => !code.startsWith(`${name.toUpperCase()}_`))).toEqual([]);
    const text = [...files].filter(
      ([path]) => path.startsWith(`connectors/${name}/`) && !path.endsWith("/error-codes.ts"),
    );
    expect(usesIn(text).filter(([, code]) => !own.includes(code) && !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
    expect(own.filter((code) => !text.some(([, content]) => content.includes(`"${code}"`)))).toEqual([]);
  });

  test("that are not declared are found", () => {
    const text = 'throw new DataError("S3_TYPO", "x");\n{ code: late ? "A_B" : undefined }';
    expect(usesIn([["a.ts", text]])).toEqual([
      ["a.ts", "S3_TYPO"],
      ["a.ts", "A_B"],
    ]);
  });
});
