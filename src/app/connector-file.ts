import { readFileSync } from "node:fs";
import { ConfigError } from "../api/index.js";
import { parseJsonNumbers } from "../base/exact-json.js";
import { parseProperties } from "../base/properties.js";
import type { SubmittedConfig } from "../contract/connector-info.js";
import type { TargetState } from "../contract/target-state.js";
import type { NamedConnector } from "../herder/standalone-herder.js";

const INITIAL_STATES: Readonly<Record<string, TargetState>> = {
  RUNNING: "STARTED",
  PAUSED: "PAUSED",
  STOPPED: "STOPPED",
};

/**
 * Reads a connector file of a standalone worker, in any form that Kafka Connect takes: a flat JSON object with `name`;
 * the body of POST /connectors (`name`, `config`, `initial_state`); or properties with `name`.
 *
 * @throws ConfigError naming the file and the fault
 */
export function readConnectorFile(path: string): NamedConnector {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError("file", `Cannot read connector file ${path}: ${(cause as Error).message}`, { cause });
  }
  return parseConnectorFile(text, path);
}

/** As `readConnectorFile`, for a file's text. */
export function parseConnectorFile(text: string, file: string): NamedConnector {
  const fault = (why: string, cause?: unknown) =>
    new ConfigError("file", `Connector file ${file}: ${why}`, cause === undefined ? undefined : { cause });
  if (text.trimStart().startsWith("["))
    throw fault("it holds a JSON array: write one file for each connector, with one object and its 'name'");
  if (!text.trimStart().startsWith("{")) return named(propertiesOf(text, fault), file, fault);
  let json: Readonly<Record<string, unknown>>;
  try {
    // Numbers become text: config values are text, and 1.0 or 10000000000000000001 must arrive as written.
    json = parseJsonNumbers(text, (number) => number) as typeof json; // it begins with a brace
  } catch {
    // Without the cause: its message quotes the text around the fault, which may be a password, and goes to the log.
    throw fault("it is not valid JSON: check its quotes, commas and braces");
  }
  const { config, name, initial_state: initial } = json;
  if (typeof config !== "object" || config === null) return named(configOf(json, fault), file, fault);
  const own = configOf(config, fault);
  if (typeof name !== "string" || name.trim() === "") throw fault("'name' is missing");
  if (own["name"] !== undefined && own["name"] !== name)
    throw fault(`'name' is ${name}, but ${own["name"]} in 'config'`);
  if (initial === undefined || initial === null) return { name, config: { ...own, name }, file };
  const state = typeof initial === "string" ? INITIAL_STATES[initial.toUpperCase()] : undefined;
  if (!state) throw fault(`initial_state must be one of: ${Object.keys(INITIAL_STATES).join(", ")}`);
  return { name, config: { ...own, name }, initialState: state, file };
}

type Fault = (why: string, cause?: unknown) => ConfigError;

function propertiesOf(text: string, fault: Fault): SubmittedConfig {
  try {
    return parseProperties(text);
  } catch (cause) {
    throw fault(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function named(config: SubmittedConfig, file: string, fault: Fault): NamedConnector {
  const name = config["name"];
  if (!name?.trim()) throw fault("'name' is missing");
  return { name, config, file };
}

/** A config's values as text. */
function configOf(json: object, fault: Fault): SubmittedConfig {
  const entries = Object.entries(json).map(([key, value]) => {
    if (value === null || typeof value === "string") return [key, value] as const;
    if (typeof value === "boolean") return [key, String(value)] as const;
    throw fault(`the value of ${key} is no text, number or boolean`);
  });
  return Object.fromEntries(entries);
}
