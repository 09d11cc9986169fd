import { readFileSync } from "node:fs";
import { ConfigError } from "../api/index.js";

const STANDARD_INPUT = 0;

/**
 * The password in a file, which is its first line; in the command line, every user of the machine would read it.
 *
 * @param path `-`: the standard input, up to its end.
 * @throws ConfigError when it cannot be read, or is empty.
 */
export function readPassword(path: string): string {
  let text: string;
  try {
    text = readFileSync(path === "-" ? STANDARD_INPUT : path, "utf8");
  } catch (cause) {
    const { message } = cause as Error;
    throw new ConfigError("--password-file", `The password file ${path} cannot be read: ${message}`, { cause });
  }
  const [password = ""] = text.split(/\r?\n/, 1);
  if (password !== "") return password;
  throw new ConfigError("--password-file", `The first line of the password file ${path} is empty: it is the password`);
}
