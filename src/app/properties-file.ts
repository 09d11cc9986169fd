import { readFileSync } from "node:fs";
import { ConfigError } from "../api/index.js";
import { PropertiesError, parseProperties } from "../base/properties.js";

/** Reads a properties file. @throws ConfigError naming the file, and the line of a syntax error */
export function readPropertiesFile(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "the file does not exist" : code === "EISDIR" ? "it is a folder" : message;
    throw new ConfigError("file", `Cannot read ${path}: ${why}`, { cause });
  }
  try {
    return parseProperties(text);
  } catch (cause) {
    if (!(cause instanceof PropertiesError)) throw cause;
    throw new ConfigError("file", `Cannot read ${path}: ${cause.message}`, { cause });
  }
}
