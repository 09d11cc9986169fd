import { posix } from "node:path";

/** Floor → the floors it may import besides itself (docs/architecture.md tells why). */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  "src/api": [],
  "src/base": ["src/api"],
  "src/protocol": ["src/base"],
  "src/converters": ["src/api"],
  "src/kafka": ["src/api", "src/base", "src/protocol"],
  "src/broker": ["src/base", "src/protocol"],
  "src/stores": ["src/api", "src/base", "src/kafka"],
  "src/worker": ["src/api", "src/base", "src/kafka", "src/stores"],
  "src/herder": ["src/api", "src/base", "src/kafka", "src/stores", "src/worker"],
  "src/rest": ["src/api", "src/base", "src/herder"],
  "src/cli": ["src/rest/contract", "src/rest/api-client", "src/api", "src/base"],
  // The roof: composition, everything in src, and nothing imports it.
  "src/main": ["src"],
  "src/embedded": ["src"],
  // The annex: each connector is a stranger to the rest.
  connectors: ["src/api"],
};

/** Third-party packages that only one floor may import, by the floor. */
const OWNED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ["src/kafka"],
  express: ["src/rest"],
  commander: ["src/cli", "src/main"],
};

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;

/** The floor of a file, or undefined outside src and connectors. Each connector is a floor of its own. */
function floorOf(path: string): string | undefined {
  const connector = /^(connectors\/[^/]+)\//.exec(path);
  if (connector) return connector[1];
  if (path === "src/main.ts" || path === "src/main.js") return "src/main";
  return /^(src\/[^/]+)\//.exec(path)?.[1];
}

/** The files that `path` imports, as paths from the root with `.ts`, and the packages, by name. */
function importsOf(path: string, text: string): { files: string[]; packages: string[] } {
  const files: string[] = [];
  const packages: string[] = [];
  for (const [, spec = ""] of text.matchAll(IMPORT)) {
    if (spec.startsWith(".")) files.push(posix.join(posix.dirname(path), spec).replace(/\.js$/, ".ts"));
    else if (!spec.startsWith("node:")) packages.push(/^(@[^/]+\/[^/]+|[^/]+)/.exec(spec)![1]!);
  }
  return { files, packages };
}

/** Every import that climbs, as a sentence. Empty is the only passing answer. */
export function climbs(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    const floor = floorOf(path);
    if (!floor) continue;
    const allowed = FLOORS[floor.startsWith("connectors/") ? "connectors" : floor];
    if (!allowed) {
      found.push(`${path} stands on no floor: ${floor} is not in the table`);
      continue;
    }
    const imports = importsOf(path, text);
    for (const file of imports.files) {
      const target = floorOf(file) ?? file;
      if (target === floor || allowed.some((name) => reaches(name, target, file))) continue;
      found.push(`${path} imports ${file}: ${floor} may not import ${target}`);
    }
    for (const name of imports.packages) {
      if (OWNED_PACKAGES[name] && !OWNED_PACKAGES[name].includes(floor)) {
        found.push(`${path} imports ${name}: only ${OWNED_PACKAGES[name].join(" and ")} may`);
      }
    }
  }
  return found;
}

function reaches(allowed: string, target: string, file: string): boolean {
  return allowed === target || file === `${allowed}.ts` || (allowed === "src" && file.startsWith("src/"));
}

/** Import cycles among `files`, type imports included, each as `a.ts -> b.ts -> a.ts`. */
export function cycles(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const visit = (path: string) => {
    state.set(path, "open");
    trail.push(path);
    for (const next of importsOf(path, files.get(path) ?? "").files) {
      if (!files.has(next)) continue;
      if (state.get(next) === "open") found.push([...trail.slice(trail.indexOf(next)), next].join(" -> "));
      else if (!state.has(next)) visit(next);
    }
    trail.pop();
    state.set(path, "done");
  };
  for (const path of files.keys()) if (!state.has(path)) visit(path);
  return found;
}

/** Uses of the system's time or chance outside base/clock and base/random. */
export function strayTime(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    if (path === "src/base/clock.ts" || path === "src/base/random.ts" || !floorOf(path)) continue;
    for (const [index, line] of text.split("\n").entries()) {
      const use = /\b(Date\.now|Math\.random|setTimeout|setInterval|performance\.now)\s*\(/.exec(line);
      if (use) found.push(`${path}:${index + 1} calls ${use[1]}: take a Clock or Random`);
    }
  }
  return found;
}
