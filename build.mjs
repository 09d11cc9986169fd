// Builds src and connectors into dist; with --watch, again after every change. A file for each source would cost every
// start some hundred reads, so sources that are needed together share one, in dist/chunks. The output is written to a
// temporary folder beside dist and renamed at the end, so that a process that starts while a build runs sees the old
// dist or the new one, never half of either.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

/** Sources that are loaded by their path: each has a file of its own in dist, which may only import the shared ones. */
const LOADED = [
  "src/main",
  // Of threads and plugins.
  "src/broker/broker-thread",
  "src/broker/log/cleaning/cleaning-thread",
  "src/worker/connector/connector-host-thread",
  "src/worker/host/task-host-thread",
  "src/converters/avro/avro-converter",
  "src/converters/built-in-converters",
  "src/transforms/built-in-transformations",
  ...readdirSync(join(root, "connectors")).map((name) => `connectors/${name}/index`),
  // The package's exports.
  "src/api/index",
  "src/testing/index",
  // By bench and test.
  "src/base/clock",
  "src/base/logger",
  "src/base/random",
  "src/broker/log/cleaning/cleaning-in-thread",
  "src/broker/start-broker",
  "src/broker/start-broker-thread",
  "src/converters/json/json-converter",
  "src/emulators/object-store/object-store",
  "src/emulators/postgres/postgres-server",
  "src/kafka/create-kafka-client",
  "src/protocol/apis/api-versions",
  "src/protocol/apis/create-topics",
  "src/protocol/apis/incremental-alter-configs",
  "src/protocol/apis/produce",
  "src/protocol/byte-reader",
  "src/protocol/records/record-batch-writer",
];

/** What almost every file needs, and which would otherwise be split into many small ones. */
const SHARED = /^src\/(api|base)\//;

/**
 * `import.meta.url` of a source, wherever its code ends up: relative paths lead from the file that it would have in
 * dist. First marked in the source, then replaced once the file that holds it is known.
 */
const urlsOfSources = {
  name: "urls-of-sources",
  transform(code, id) {
    if (!code.includes("import.meta.url")) return null;
    const own = relative(root, id).replaceAll("\\", "/").replace(/\.ts$/, ".js");
    return { code: code.replaceAll("import.meta.url", `__urlOf(${JSON.stringify(own)})`), map: null };
  },
  renderChunk(code, { fileName }) {
    if (!code.includes("__urlOf(")) return null;
    const urlFrom = (_, own) => {
      const path = relative(dirname(fileName), own).replaceAll("\\", "/");
      return `new URL(${JSON.stringify(path.startsWith(".") ? path : `./${path}`)}, import.meta.url).href`;
    };
    return { code: code.replace(/__urlOf\("([^"]+)"\)/g, urlFrom), map: null };
  },
};

async function bundle(dir) {
  const bundled = await rolldown({
    cwd: root,
    input: Object.fromEntries(LOADED.map((source) => [source, join(root, `${source}.ts`)])),
    platform: "node",
    // Packages stay where npm has installed them.
    external: (id) => !id.startsWith(".") && !id.startsWith(root),
    resolve: { extensionAlias: { ".js": [".ts"] } },
    treeshake: false,
    plugins: [urlsOfSources],
    onLog(level, { message }) {
      if (level === "warn") throw new Error(message);
    },
  });
  const { output } = await bundled.write({
    dir,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    sourcemap: true,
    // Each thread keeps the text of what it loads, and two bytes for each character of it if one is not Latin-1.
    comments: false,
    charset: "ascii",
    keepNames: true,
    codeSplitting: { groups: [{ name: "base", test: (id) => SHARED.test(relative(root, id).replaceAll("\\", "/")) }] },
  });
  await bundled.close();
  // Positions are enough: the sources themselves would double the package.
  for (const each of output) {
    if (!each.fileName.endsWith(".map")) continue;
    const { sourcesContent: _, ...map } = JSON.parse(each.source);
    writeFileSync(join(dir, each.fileName), JSON.stringify(map));
  }
}

async function build() {
  const fresh = mkdtempSync(join(root, ".dist-"));
  try {
    const args = ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", fresh];
    const checked = spawnSync(process.execPath, [tsc, ...args], { cwd: root, stdio: "inherit" });
    if (checked.status !== 0) throw new Error(`tsc ended with ${checked.signal ?? `status ${checked.status}`}`);
    await bundle(fresh);
    const commit = spawnSync("git", ["rev-parse", "--short=16", "HEAD"], { cwd: root, encoding: "utf8" });
    if (commit.status === 0) writeFileSync(join(fresh, "src", "commit.txt"), commit.stdout.trim());
    chmodSync(fresh, 0o755); // mkdtemp's 0700 would keep other users out of an installation they share
    chmodSync(join(fresh, "src", "main.js"), 0o755);
    const old = existsSync(dist) ? `${fresh}.old` : undefined;
    if (old) renameSync(dist, old);
    renameSync(fresh, dist);
    if (old) rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Builds whenever a file has changed; editors write several times, so it waits until they are done. */
function buildOnChange() {
  let timer;
  let running = Promise.resolve();
  const rebuild = () => {
    running = running.then(build).then(
      () => console.log(`Built at ${new Date().toLocaleTimeString()}`),
      (error) => console.error(error.message),
    );
  };
  for (const folder of ["src", "connectors"]) {
    watch(join(root, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(rebuild, 100);
    });
  }
  rebuild();
}

if (process.argv.includes("--watch")) buildOnChange();
else await build();
