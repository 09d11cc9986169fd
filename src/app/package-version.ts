import { existsSync, readFileSync } from "node:fs";

/** The version in package.json. Compiled code is one folder deeper. */
export function packageVersion(): string {
  const up = import.meta.url.endsWith(".ts") ? "../../package.json" : "../../../package.json";
  const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { readonly version: string };
  return version;
}

/** The commit that the running code was built from, in 16 hex digits; `unknown` for a build outside a Git checkout. */
export function buildCommit(): string {
  const folder = import.meta.url.endsWith(".ts") ? "../../dist/src/" : "../";
  const file = new URL(`${folder}commit.txt`, import.meta.url);
  return existsSync(file) ? readFileSync(file, "utf8") : "unknown";
}
