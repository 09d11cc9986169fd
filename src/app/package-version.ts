import { readFileSync } from "node:fs";

/** The version in package.json. Compiled code is one folder deeper. */
export function packageVersion(): string {
  const up = import.meta.url.endsWith(".ts") ? "../../package.json" : "../../../package.json";
  const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { readonly version: string };
  return version;
}
