import { ConfigError } from "../../api/index.js";

const ACTIONS = ["set", "add", "setDate", "addDate"] as const;

/** One rule of `response.http.headers.config`. */
export interface HeaderRule {
  readonly action: (typeof ACTIONS)[number];
  readonly name: string;
  /** For the dates: milliseconds from the time of the answer. */
  readonly value: string;
}

const KEY = "response.http.headers.config";
const RULE = "[action] [header name]:[header value]";

/** Where answers take their additional headers: Express's response. */
interface HeaderTarget {
  setHeader(name: string, value: string): unknown;
  appendHeader(name: string, value: string): unknown;
}

/**
 * Reads `response.http.headers.config`: rules such as `set X-Frame-Options:DENY`, separated by commas; a rule with a
 * comma in it is enclosed in double quotes.
 *
 * @throws ConfigError naming the key, with Kafka Connect's reason.
 */
export function parseHeaderRules(text: string): HeaderRule[] {
  if (text.trim() === "") return [];
  return text.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((item) => parseRule(item.trim().replace(/^"(.*)"$/s, "$1")));
}

function parseRule(text: string): HeaderRule {
  const [, action, pair] = /^(\S+)\s+(.+)$/s.exec(text.trim()) ?? [];
  if (action === undefined || pair === undefined) {
    throw fault(`Invalid format of header config '${text}'. Expected: '${RULE}'`);
  }
  const known = ACTIONS.find((name) => name === action);
  if (!known) {
    const expected = ACTIONS.join(", ");
    throw fault(`Invalid header config action: '${action}'. Expected one of [${expected}]`);
  }
  const [name = "", value, ...more] = pair.split(":").map((part) => part.trim());
  if (value === undefined || more.length > 0) {
    throw fault(
      `Invalid format of header name and header value pair '${pair}'. Expected: '[header name]:[header value]'`,
    );
  }
  if (name === "" || /\s/.test(name)) {
    throw fault(`Invalid header name '${name}'. The '[header name]' cannot contain whitespace`);
  }
  if (known.endsWith("Date") && !/^-?\d+$/.test(value)) {
    throw fault(`Invalid header value '${value}' of ${known} ${name}: expected milliseconds from now`);
  }
  return { action: known, name, value };
}

function fault(reason: string): ConfigError {
  return new ConfigError(KEY, `${KEY}: ${reason}`);
}

/** Adds the headers of `rules` to one answer. @param nowMs the time of the answer, in milliseconds since 1970. */
export function applyHeaderRules(rules: readonly HeaderRule[], target: HeaderTarget, nowMs: number): void {
  for (const { action, name, value } of rules) {
    const text = action.endsWith("Date") ? new Date(nowMs + Number(value)).toUTCString() : value;
    if (action.startsWith("set")) target.setHeader(name, text);
    else target.appendHeader(name, text);
  }
}
