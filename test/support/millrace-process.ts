import { fileURLToPath } from "node:url";
import { ProgramProcess } from "./program-process.js";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));

/** `millrace ARGS…` from dist, in its own process, which a test may kill. It ends with the test's process. */
export class MillraceProcess extends ProgramProcess {
  /** @param onLine called for every printed line, of both streams. */
  constructor(
    readonly args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    onLine?: (line: string) => void,
  ) {
    const options = { env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true", ...env } };
    super(`millrace ${args.join(" ")}`, process.execPath, [MAIN, ...args], options, onLine);
  }
}
