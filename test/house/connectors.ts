import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ConnectorPlugin } from "../../src/api/index.js";
import { root } from "./sources.js";

/** The plugins of our connectors, by the name of their folder. */
export async function bundledConnectors(): Promise<Map<string, readonly ConnectorPlugin[]>> {
  const connectors = new Map<string, readonly ConnectorPlugin[]>();
  for (const name of readdirSync(join(root, "connectors")).sort()) {
    const entry: { readonly default: readonly ConnectorPlugin[] } = await import(
      join(root, "connectors", name, "index.ts")
    );
    connectors.set(name, entry.default);
  }
  return connectors;
}
