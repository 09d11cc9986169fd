import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/** The stock command-line tools of one version of Kafka. */
export class JavaTools {
  /**
   * @param libraries folders of jars.
   * @param options flags of the JVM.
   */
  constructor(
    private readonly libraries: readonly string[],
    private readonly options: readonly string[] = [],
  ) {}

  /**
   * Runs a main class to its end. `input` goes to its standard input.
   *
   * @returns its standard output. @throws Error with both outputs when it fails.
   */
  async run(mainClass: string, args: readonly string[], input = ""): Promise<string> {
    return (await this.outputs(mainClass, args, input)).stdout;
  }

  /** The same, with both of its outputs. */
  async outputs(
    mainClass: string,
    args: readonly string[],
    input = "",
  ): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const jars = this.libraries.map((folder) => join(folder, "*")).join(":");
    // A tool lives for a second: the fast compiler alone takes half the time of both.
    const flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", ...this.options];
    const running = run("java", [...flags, "-cp", jars, mainClass, ...args], {
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.end(input);
    try {
      return await running;
    } catch (cause) {
      const { stdout, stderr } = cause as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`${mainClass} ${args.join(" ")} failed:\n${stdout}\n${stderr}`, { cause });
    }
  }
}
