// Compiles src and connectors into dist; with --watch, again after every change. The output is written to a temporary
// folder beside it and renamed at the end, so that a process that starts while a build runs sees the old dist or the
// new one, never half of either.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

function build() {
  const fresh = mkdtempSync(join(root, ".dist-"));
  try {
    const built = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", fresh], {
      cwd: root,
      stdio: "inherit",
    });
    if (built.status !== 0) throw new Error(`tsc ended with ${built.signal ?? `status ${built.status}`}`);
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
  const rebuild = () => {
    try {
      build();
      console.log(`Built at ${new Date().toLocaleTimeString()}`);
    } catch (error) {
      console.error(error.message);
    }
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
else build();
