import { posix } from "node:path";

/** Each layer with the layers that it may import besides itself; docs/architecture.md describes them. */
const FLOORS: Readonly<Record<string, readonly string[]>> = {
  "src/api": [],
  "src/base": ["src/api"],
  "src/contract": ["src/api"],
  "src/http": ["src/api", "src/base", "src/contract"],
  "src/protocol": ["src/base"],
  "src/registry-client": ["src/api", "src/base"],
  "src/converters": ["src/api", "src/base", "src/registry-client"],
  "src/transforms": ["src/api", "src/base", "src/converters"],
  "src/testing": ["src/api", "src/base", "src/converters"],
  "src/kafka": ["src/api", "src/base", "src/protocol"],
  "src/broker": ["src/base", "src/protocol"],
  "src/export": ["src/api", "src/kafka", "src/protocol"],
  "src/stores": ["src/api", "src/base", "src/contract", "src/kafka"],
  "src/registry": ["src/api", "src/base", "src/contract", "src/http", "src/kafka", "src/stores"],
  "src/worker": ["src/api", "src/base", "src/contract", "src/kafka"],
  "src/herder": ["src/api", "src/base", "src/contract", "src/http", "src/kafka", "src/stores", "src/worker"],
  "src/metrics": ["src/base", "src/herder", "src/worker"],
  "src/rest": ["src/api", "src/base", "src/contract", "src/http", "src/herder"],
  "src/cli": ["src/api"],
  "src/emulators": ["src/api", "src/base"],
  // Composition: may import everything in src, and no other layer imports it.
  "src/app": ["src"],
  "src/demo": ["src"],
  "src/main": ["src"],
  // Connectors know nothing of the rest.
  "connectors/postgres": ["src/api"],
  "connectors/s3": ["src/api"],
  "connectors/file": ["src/api"],
};

/**
 * The folders of a layer and, for each, the folders of the same layer that it may import. A row is a folder or a file
 * that is a contract for others; the most specific row counts. A row names only rows above it, so there are no cycles.
 * The last row, the layer's own name, is its root and may import all of them. A folder may also import what its layer
 * may.
 */
const ROOMS: Readonly<Record<string, readonly (readonly [room: string, ...below: string[]])[]>> = {
  "src/protocol": [
    ["src/protocol"],
    ["src/protocol/compression", "src/protocol"],
    ["src/protocol/records", "src/protocol", "src/protocol/compression"],
    ["src/protocol/apis", "src/protocol"],
  ],
  "src/converters": [
    ["src/converters"],
    ["src/converters/json", "src/converters"],
    ["src/converters/registry"],
    ["src/converters/avro", "src/converters", "src/converters/registry"],
    ["src/converters/built-in-converters", "src/converters", "src/converters/json", "src/converters/avro"],
  ],
  "src/transforms": [
    ["src/transforms/record"],
    ["src/transforms/time"],
    ["src/transforms/kafka", "src/transforms/record", "src/transforms/time"],
    ["src/transforms/predicates", "src/transforms/record"],
    ["src/transforms/expression", "src/transforms/record"],
    [
      "src/transforms/debezium",
      "src/transforms/record",
      "src/transforms/time",
      "src/transforms/kafka",
      "src/transforms/expression",
    ],
    ["src/transforms"],
  ],
  "src/kafka": [
    ["src/kafka/client"],
    ["src/kafka/client-closed-error"],
    ["src/kafka/client-meter", "src/kafka/client"],
    ["src/kafka/client-properties", "src/kafka/client"],
    ["src/kafka/security-config", "src/kafka/client", "src/kafka/client-properties"],
    ["src/kafka/transport", "src/kafka/client-meter", "src/kafka/client-properties", "src/kafka/security-config"],
    [
      "src/kafka/cluster",
      "src/kafka/client",
      "src/kafka/client-closed-error",
      "src/kafka/client-meter",
      "src/kafka/client-properties",
      "src/kafka/transport",
    ],
    [
      "src/kafka/producer",
      "src/kafka/client",
      "src/kafka/client-closed-error",
      "src/kafka/client-properties",
      "src/kafka/cluster",
    ],
    [
      "src/kafka/consumer",
      "src/kafka/client",
      "src/kafka/client-closed-error",
      "src/kafka/client-properties",
      "src/kafka/cluster",
    ],
    [
      "src/kafka/group",
      "src/kafka/client",
      "src/kafka/client-closed-error",
      "src/kafka/client-properties",
      "src/kafka/transport",
      "src/kafka/cluster",
      "src/kafka/consumer",
    ],
    ["src/kafka"],
  ],
  "src/broker": [
    ["src/broker/topics/config-keys"],
    ["src/broker/broker-keys", "src/broker/topics/config-keys"],
    ["src/broker/property-refusals", "src/broker/topics/config-keys"],
    [
      "src/broker/broker-properties",
      "src/broker/topics/config-keys",
      "src/broker/broker-keys",
      "src/broker/property-refusals",
    ],
    ["src/broker/log/segments"],
    ["src/broker/log/producers", "src/broker/log/segments"],
    ["src/broker/log/epochs"],
    ["src/broker/log", "src/broker/log/segments", "src/broker/log/producers", "src/broker/log/epochs"],
    ["src/broker/log/cleaning", "src/broker/log", "src/broker/log/segments"],
    ["src/broker/data-folder"],
    ["src/broker/metadata"],
    ["src/broker/security", "src/broker/topics/config-keys", "src/broker/broker-properties", "src/broker/metadata"],
    ["src/broker/access", "src/broker/broker-properties", "src/broker/metadata", "src/broker/security"],
    ["src/broker/quotas", "src/broker/broker-properties", "src/broker/metadata", "src/broker/access"],
    ["src/broker/offset-checkpoint"],
    [
      "src/broker/topics",
      "src/broker/topics/config-keys",
      "src/broker/broker-properties",
      "src/broker/metadata",
      "src/broker/offset-checkpoint",
      "src/broker/log",
      "src/broker/log/segments",
    ],
    ["src/broker/internal-topics", "src/broker/log"],
    ["src/broker/groups/re2"],
    ["src/broker/groups/classic"],
    ["src/broker/groups/consumer/assignment"],
    [
      "src/broker/groups/consumer",
      "src/broker/groups/consumer/assignment",
      "src/broker/groups/re2",
      "src/broker/groups/classic",
      "src/broker/internal-topics",
    ],
    [
      "src/broker/groups",
      "src/broker/broker-properties",
      "src/broker/log",
      "src/broker/internal-topics",
      "src/broker/groups/classic",
      "src/broker/groups/consumer",
      "src/broker/groups/consumer/assignment",
    ],
    ["src/broker/transactions", "src/broker/broker-properties", "src/broker/log", "src/broker/internal-topics"],
    ["src/broker/interceptor"],
    ["src/broker/free-space"],
    [
      "src/broker/handler",
      "src/broker/broker-properties",
      "src/broker/metadata",
      "src/broker/topics",
      "src/broker/groups",
      "src/broker/transactions",
      "src/broker/interceptor",
      "src/broker/free-space",
      "src/broker/security",
      "src/broker/access",
      "src/broker/quotas",
    ],
    [
      "src/broker/handlers",
      "src/broker/handler",
      "src/broker/security",
      "src/broker/access",
      "src/broker/quotas",
      "src/broker/metadata",
      "src/broker/broker-properties",
      "src/broker/topics",
      "src/broker/topics/config-keys",
      "src/broker/groups",
      "src/broker/groups/classic",
      "src/broker/groups/consumer",
      "src/broker/groups/consumer/assignment",
      "src/broker/groups/re2",
      "src/broker/transactions",
      "src/broker/log",
      "src/broker/log/segments",
    ],
    [
      "src/broker/net",
      "src/broker/handler",
      "src/broker/broker-properties",
      "src/broker/interceptor",
      "src/broker/security",
      "src/broker/access",
      "src/broker/quotas",
    ],
    ["src/broker"],
  ],
  "src/registry": [
    ["src/registry/json"],
    ["src/registry/schema"],
    ["src/registry/avro", "src/registry/json", "src/registry/schema"],
    ["src/registry/json-schema", "src/registry/json", "src/registry/schema"],
    ["src/registry/protobuf", "src/registry/schema"],
    ["src/registry/state", "src/registry/json", "src/registry/schema"],
    [
      "src/registry/operations",
      "src/registry/json",
      "src/registry/schema",
      "src/registry/avro",
      "src/registry/json-schema",
      "src/registry/protobuf",
      "src/registry/state",
    ],
    ["src/registry/leader", "src/registry/json", "src/registry/operations"],
    [
      "src/registry/server",
      "src/registry/json",
      "src/registry/state",
      "src/registry/operations",
      "src/registry/leader",
    ],
    [
      "src/registry/routes",
      "src/registry/json",
      "src/registry/schema",
      "src/registry/state",
      "src/registry/operations",
      "src/registry/leader",
      "src/registry/server",
    ],
    ["src/registry"],
  ],
  "src/worker": [
    ["src/worker/worker"],
    ["src/worker/worker-config"],
    ["src/worker/task", "src/worker/worker"],
    ["src/worker/source", "src/worker/worker", "src/worker/worker-config", "src/worker/task"],
    ["src/worker/sink", "src/worker/worker", "src/worker/task"],
    ["src/worker/plugins", "src/worker/worker"],
    [
      "src/worker/host",
      "src/worker/worker",
      "src/worker/worker-config",
      "src/worker/task",
      "src/worker/source",
      "src/worker/sink",
      "src/worker/plugins",
    ],
    ["src/worker/connector", "src/worker/worker", "src/worker/task", "src/worker/plugins", "src/worker/host"],
    ["src/worker"],
  ],
  "src/herder": [
    ["src/herder/work"],
    ["src/herder/config"],
    ["src/herder/running", "src/herder/work", "src/herder/config"],
    ["src/herder/membership", "src/herder/work", "src/herder/config"],
    ["src/herder/offsets"],
    ["src/herder/fencing", "src/herder/membership"],
    ["src/herder"],
  ],
  "src/http": [["src/http/access"], ["src/http/server"], ["src/http"]],
  "src/rest": [["src/rest/http-error"], ["src/rest/access", "src/rest/http-error"], ["src/rest/openapi"], ["src/rest"]],
  "src/emulators": [["src/emulators/object-store"], ["src/emulators/postgres"], ["src/emulators"]],
  "src/demo": [["src/demo/check"], ["src/demo"]],
  "connectors/postgres": [
    ["connectors/postgres/config"],
    ["connectors/postgres/server", "connectors/postgres/config"],
    ["connectors/postgres/wal", "connectors/postgres/server"],
    ["connectors/postgres/types", "connectors/postgres/config"],
    [
      "connectors/postgres/tables",
      "connectors/postgres/config",
      "connectors/postgres/server",
      "connectors/postgres/wal",
      "connectors/postgres/types",
    ],
    ["connectors/postgres/position", "connectors/postgres/config", "connectors/postgres/wal"],
    ["connectors/postgres/signals", "connectors/postgres/config"],
    ["connectors/postgres/notifications", "connectors/postgres/config", "connectors/postgres/position"],
    [
      "connectors/postgres/chunks",
      "connectors/postgres/config",
      "connectors/postgres/server",
      "connectors/postgres/wal",
      "connectors/postgres/tables",
      "connectors/postgres/position",
    ],
    [
      "connectors/postgres/events",
      "connectors/postgres/config",
      "connectors/postgres/server",
      "connectors/postgres/wal",
      "connectors/postgres/types",
      "connectors/postgres/tables",
      "connectors/postgres/position",
      "connectors/postgres/signals",
      "connectors/postgres/chunks",
      "connectors/postgres/notifications",
    ],
    ["connectors/postgres"],
  ],
  "connectors/s3": [
    ["connectors/s3/time"],
    ["connectors/s3/formats"],
    ["connectors/s3/config", "connectors/s3/time"],
    ["connectors/s3/store", "connectors/s3/config"],
    ["connectors/s3/object", "connectors/s3/formats", "connectors/s3/store"],
    [
      "connectors/s3/partition",
      "connectors/s3/time",
      "connectors/s3/formats",
      "connectors/s3/config",
      "connectors/s3/object",
    ],
    ["connectors/s3"],
  ],
};

/** Third-party packages that only one layer may import, by the layer. */
const OWNED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ["src/kafka"],
  express: ["src/rest"],
  "prom-client": ["src/metrics"],
  commander: ["src/cli", "src/main"],
};

/** Folders that are lists: one file for each API, for each of its handlers, or for each transformation. */
const LISTS: readonly string[] = [
  "src/protocol/apis",
  "src/broker/handlers",
  "src/transforms/kafka",
  "src/transforms/debezium",
];

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;

/** The layer of a file, or undefined outside src and connectors. */
function floorOf(path: string): string | undefined {
  if (path === "src/main.ts") return "src/main";
  return /^((?:src|connectors)\/[^/]+)\//.exec(path)?.[1];
}

/** The row of a file: the longest one that is the file or a folder around it. */
function roomOf(path: string, floor: string): string | undefined {
  const rows = (ROOMS[floor] ?? []).map(([room]) => room);
  return rows
    .filter((row) => path === `${row}.ts` || path.startsWith(`${row}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** The files that `path` imports, as paths from the root with `.ts`, and the packages, by name. */
export function importsOf(path: string, text: string): { files: string[]; packages: string[] } {
  const files: string[] = [];
  const packages: string[] = [];
  for (const [, spec = ""] of text.matchAll(IMPORT)) {
    if (spec.startsWith(".")) files.push(posix.join(posix.dirname(path), spec).replace(/\.js$/, ".ts"));
    else if (!spec.startsWith("node:")) packages.push(/^(@[^/]+\/[^/]+|[^/]+)/.exec(spec)![1]!);
  }
  return { files, packages };
}

/** Every import that the tables do not allow, as a sentence. Empty is the only passing answer. */
export function climbs(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    const floor = floorOf(path);
    if (!floor) continue;
    const allowed = FLOORS[floor];
    if (!allowed) {
      found.push(`${path} stands on no floor: ${floor} is not in the table`);
      continue;
    }
    const imports = importsOf(path, text);
    for (const file of imports.files) {
      const target = floorOf(file) ?? file;
      if (target === floor) {
        const [from, to] = [roomOf(path, floor), roomOf(file, floor)];
        if (from !== to && !mayEnter(floor, from, to))
          found.push(`${path} imports ${file}: ${from} may not import ${to}`);
      } else if (!allowed.some((name) => name === target || (name === "src" && file.startsWith("src/")))) {
        found.push(`${path} imports ${file}: ${floor} may not import ${target}`);
      }
    }
    for (const name of imports.packages) {
      if (OWNED_PACKAGES[name] && !OWNED_PACKAGES[name].includes(floor)) {
        found.push(`${path} imports ${name}: only ${OWNED_PACKAGES[name].join(" and ")} may`);
      }
    }
  }
  return found;
}

function mayEnter(floor: string, from: string | undefined, to: string | undefined): boolean {
  const rows = ROOMS[floor] ?? [];
  const row = rows.find(([room]) => room === from);
  return row !== undefined && to !== undefined && (row === rows.at(-1) || row.slice(1).includes(to));
}

/** Faults of the table of folders itself: rows that name a row below them, or an import that no file needs. */
export function roomFaults(files: ReadonlyMap<string, string>): string[] {
  const used = new Set<string>();
  for (const [path, text] of files) {
    const floor = floorOf(path);
    if (!floor) continue;
    for (const file of importsOf(path, text).files) {
      used.add(`${floor} ${floorOf(file)}`);
      if (floorOf(file) === floor) used.add(`${roomOf(path, floor)} ${roomOf(file, floor)}`);
    }
  }
  const found: string[] = [];
  for (const [floor, allowed] of Object.entries(FLOORS)) {
    for (const name of allowed)
      if (name !== "src" && !used.has(`${floor} ${name}`)) found.push(`${floor} does not need ${name}`);
  }
  for (const rows of Object.values(ROOMS)) {
    for (const [at, [room, ...below]] of rows.entries()) {
      const above = rows.slice(0, at).map(([name]) => name);
      for (const name of below) {
        if (!above.includes(name)) found.push(`${room} names ${name}, which does not stand above it`);
        if (!used.has(`${room} ${name}`)) found.push(`${room} does not need ${name}`);
      }
    }
  }
  return found;
}

/** Folders that hold more than `most` TypeScript files of different kinds. */
export function crowdedFolders(files: ReadonlyMap<string, string>, most: number): string[] {
  const counts = new Map<string, number>();
  for (const path of files.keys()) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1);
  return [...counts].filter(([folder, count]) => count > most && !LISTS.includes(folder)).map(([folder]) => folder);
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

/** Unit tests that sleep or count turns of the event loop instead of awaiting an event. */
export function straySleeps(tests: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of tests) {
    for (const [index, line] of text.split("\n").entries()) {
      const use = /(?<![.#\w])(setTimeout|setInterval|setImmediate)\s*\(/.exec(line);
      if (use) found.push(`${path}:${index + 1} calls ${use[1]}: await an event, or SimClock.settled`);
    }
  }
  return found;
}

/** A call that reads the system's time or chance, turns its event loop, or uses its network. */
const STRAY =
  /(?<![.#\w])((?:globalThis\.)?(?:Date\.now|performance\.now|setTimeout|setInterval|setImmediate|AbortSignal\.timeout|Math\.random|fetch|(?:crypto\.)?(?:randomBytes|randomUUID)))\s*\(/;

/** Uses of the system's time, chance and HTTP outside src/base. */
export function strayTime(files: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [path, text] of files) {
    if (path.startsWith("src/base/") || !floorOf(path)) continue;
    for (const [index, line] of text.split("\n").entries()) {
      const use = STRAY.exec(line);
      if (use) found.push(`${path}:${index + 1} calls ${use[1]}: take a Clock, a Random or an HttpClient`);
    }
  }
  return found;
}
