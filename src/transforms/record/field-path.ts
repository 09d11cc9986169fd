import { ConfigError } from "../../api/index.js";

/**
 * The steps of a field path in the syntax V2 (KIP-821): dots separate them, backticks around a step keep its dots.
 *
 * @param key the configuration key, for the error.
 * @throws ConfigError if a backtick has no partner.
 */
export function fieldPath(key: string, text: string): readonly string[] {
  const steps: string[] = [];
  let at = 0;
  while (at < text.length) {
    const step = text[at] === "`" ? quotedStep(key, text, at) : plainStep(text, at);
    steps.push(step.name);
    at = step.end;
  }
  if (text === "" || text.endsWith(".")) steps.push("");
  return steps;
}

interface Step {
  readonly name: string;
  /** Where the next one begins. */
  readonly end: number;
}

function plainStep(text: string, start: number): Step {
  const dot = text.indexOf(".", start);
  return dot < 0 ? { name: text.slice(start), end: text.length } : { name: text.slice(start, dot), end: dot + 1 };
}

/** Ends at a backtick before a dot or the text's end; a backslash before one that stands before a dot escapes it. */
function quotedStep(key: string, text: string, open: number): Step {
  let name = "";
  let start = open + 1;
  let at = start;
  for (;;) {
    at = text.indexOf("`", at);
    const isEscaped = text[at - 1] === "\\";
    if (at < 0 || (at === text.length - 1 && isEscaped))
      throw new ConfigError(
        key,
        `Incomplete backtick pair in path: [${text}], consider adding a backslash before backtick at position ${open} to escape it`,
      );
    if (at === text.length - 1) return { name: name + text.slice(start, at), end: text.length };
    if (text[at + 1] === "." && !isEscaped) return { name: name + text.slice(start, at), end: at + 2 };
    if (text[at + 1] === ".") {
      name += `${text.slice(start, at - 1)}\``;
      start = at + 1;
    }
    at++;
  }
}
