import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../../src/emulators/postgres/postgres-port.js";
import { pathWithCurl } from "../support/curl-path.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "millrace-readme-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Snippet {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** Every fenced block of a language in a document, with its position. */
function snippets(file: string, language: string): Snippet[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    text: match[1] ?? "",
  }));
}

const DOCUMENTS = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
/** Run by .ci/run on a clean clone: they install, or run the tests. */
const RUN_ELSEWHERE = ["npm ci && npm run demo\n", "npm ci && npm test\n"];

/** Run as a whole by tests below. */
const RUN_HERE = ["README.md", "docs/registry.md"];

const PATH = pathWithCurl();

/** Runs a script in a fresh shell, and kills everything that it started at its end. */
function run(script: string): Promise<{ status: number | null; output: string }> {
  const child = spawn("sh", ["-euc", script], { cwd: root, detached: true, env: { ...process.env, PATH } });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (status) => {
      killGroup(child.pid);
      resolve({ status, output });
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // nothing is left of it
  }
}

describe("the documents", () => {
  test("have no shell snippet that is not run", () => {
    const elsewhere = DOCUMENTS.flatMap((file) => snippets(file, "sh"))
      .filter(({ file, text }) => !RUN_HERE.includes(file) && !RUN_ELSEWHERE.includes(text))
      .map(({ file, line }) => `${file}:${line}`);
    expect(elsewhere).toEqual([]);
  });

  test("name only files and npm scripts that exist", () => {
    const scripts = Object.keys(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts);
    for (const file of DOCUMENTS) {
      const text = readFileSync(join(root, file), "utf8");
      for (const [, script = ""] of text.matchAll(/`npm run ([\w:]+)/g))
        expect(scripts, `${file}: ${script}`).toContain(script);
      for (const [, path = ""] of text.matchAll(/\]\((?!http)([^)#]+)\)/g)) {
        const from = file.includes("/") ? join(file, "..") : "";
        expect(existsSync(join(root, from, path)), `${file}: ${path}`).toBe(true);
      }
      for (const [, path = ""] of text.matchAll(/`((?:src|connectors|test|config|bench|docs)\/[\w./-]+)`/g)) {
        const exists = ["", ".ts"].some((suffix) => existsSync(join(root, path + suffix)));
        expect(exists, `${file}: ${path}`).toBe(true);
      }
    }
  });
});

test("README's first connector works as written, on other ports", async () => {
  const [kafkaPort, restPort] = [await freePort("127.0.0.1", 9092), await freePort("127.0.0.1", 8083)];
  const walk = snippets("README.md", "sh").filter(({ text }) => !RUN_ELSEWHERE.includes(text));
  const worker = walk.filter(({ text }) => text.includes("millrace worker"));
  expect(worker).toHaveLength(1);
  const script = walk
    .filter((snippet) => !worker.includes(snippet))
    .map(({ text }) => text)
    .join("\n")
    .replace("millrace up", `millrace up --kafka 127.0.0.1:${kafkaPort} --rest 127.0.0.1:${restPort}`)
    .replaceAll("127.0.0.1:8083", `127.0.0.1:${restPort}`)
    .replaceAll("./millrace-data", join(home, "data"))
    .replaceAll("/tmp/lines", join(home, "lines"));
  expect(script).toContain("PostgresConnector/config/validate");
  // The copy follows the lines; `tail` ends the script once it has the last one.
  const copied = `touch ${home}/lines-copy.txt; { tail -n +1 -F ${home}/lines-copy.txt 2>&1 || true; } | sed '/or not to be/q'`;
  const { status, output } = await run(`${script}\n${copied}`);
  expect(output).toContain('"version":"4.3.1"');
  expect(output).toContain('"lines-in"');
  expect(output).toContain('"error_count":');
  expect(output).toContain("or not to be");
  expect(status, output).toBe(0);
  expect(readFileSync(join(home, "lines-copy.txt"), "utf8")).toBe("to be\nor not to be\n");
});

test("the registry's first schema works as written, on other ports", async () => {
  const ports = [
    await freePort("127.0.0.1", 9092),
    await freePort("127.0.0.1", 8083),
    await freePort("127.0.0.1", 8081),
  ];
  const script = snippets("docs/registry.md", "sh")
    .map(({ text }) => text)
    .join("\n")
    .replace("millrace up", `millrace up --kafka 127.0.0.1:${ports[0]} --rest 127.0.0.1:${ports[1]}`)
    .replaceAll("127.0.0.1:8081", `127.0.0.1:${ports[2]}`)
    .replaceAll("./millrace-data", join(home, "registry-data"));
  const { status, output } = await run(script);
  expect(status, output).toBe(0);
  expect(output).toContain('"subject":"orders-value"');
  expect(output).toContain("READER_FIELD_MISSING_DEFAULT_VALUE");
  expect(output).toContain('{"compatibility":"FULL"}');
});

test("README's worker reports an unreachable broker in one line", async () => {
  // On other ports, as whoever tries the README has a broker and a worker on the usual ones.
  const kafkaPort = await freePort("127.0.0.1", 9092);
  const file = join(home, "worker.properties");
  const text = readFileSync(join(root, "config/worker.properties"), "utf8");
  writeFileSync(
    file,
    text.replace("127.0.0.1:9092", `127.0.0.1:${kafkaPort}`).replace("http://127.0.0.1:8083", "http://127.0.0.1:0"),
  );
  const { status, output } = await run(`npx millrace worker ${file}`);
  expect(status).not.toBe(0);
  expect(output).toContain(`bootstrap.servers=127.0.0.1:${kafkaPort}`);
});
