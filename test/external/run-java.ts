import { spawn } from "node:child_process";
import { join } from "node:path";

/**
 * Runs a Java source file of this folder, with a line of input for each question and a line of JSON for each answer.
 *
 * @param classPath folders of jars.
 * @param options flags of the JVM.
 */
export function runJava(
  file: string,
  classPath: readonly string[],
  questions: readonly string[],
  options: readonly string[] = [],
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const jars = classPath.map((folder) => join(folder, "*")).join(":");
    // Java's own warnings about logging go to standard error.
    const child = spawn("java", [...options, "-cp", jars, join(import.meta.dirname, file)], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      const lines = Buffer.concat(chunks)
        .toString("utf8")
        .split("\n")
        .filter((line) => line.startsWith("{"));
      if (code === 0) resolve(lines.map((line) => JSON.parse(line) as unknown));
      else reject(new Error(`java ended with ${code}`));
    });
    for (const question of questions) child.stdin.write(`${question}\n`);
    child.stdin.end();
  });
}
