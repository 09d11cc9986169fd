import { withSourcePositions } from "./source-positions.js";

/**
 * An error as the status topic and REST show it: name, message and stack, then each cause, in the layout of a Java
 * stack trace. It contains no record values or secrets, because error messages contain none.
 */
export function traceOf(error: unknown): string {
  const parts: string[] = [];
  for (let next = error; next !== undefined && next !== null && parts.length < 10; ) {
    const text = next instanceof Error ? stackOf(next) : textOf(next);
    parts.push(parts.length > 0 ? `Caused by: ${text}` : text);
    next = next instanceof Error ? next.cause : undefined;
  }
  return `${parts.join("\n")}\n`;
}

/** Its name, message and stack, in positions of the sources; not its causes. */
export function stackOf(error: Error): string {
  return withSourcePositions(error.stack ?? `${error.name}: ${error.message}`);
}

/** The error in one line: its message, and its cause's unless the message contains it. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return textOf(error);
  const cause = error.cause instanceof Error ? error.cause.message.trim() : undefined;
  return cause === undefined || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}

/** A thrown value that is not an Error, as text. Plugins may throw anything, even a value that `String` refuses. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    // An object without a prototype, or whose toString throws.
    return Object.prototype.toString.call(thrown);
  }
}
