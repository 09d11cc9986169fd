import { errorKind } from "../api/index.js";

/** The exit codes of the process. Kafka Connect's commands end with 1 for the command line alone, and with 2 for a file. */
export const EXIT = {
  ok: 0,
  /** The command line or a properties file is wrong. */
  usage: 1,
  /** It could not start: a port or folder is taken, no broker answers. */
  cannotStart: 2,
  /** It failed while it ran. */
  failed: 3,
} as const;

/** Decides the exit code for an error of a command; no other place does. */
export function exitCodeOf(error: unknown, phase: "starting" | "running"): number {
  if (errorKind(error) === "config") return EXIT.usage;
  return phase === "starting" ? EXIT.cannotStart : EXIT.failed;
}

/** The error in one line: the message, with line breaks as blanks. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return `millrace: ${message.replace(/\s*\n\s*/g, " ")}`;
}
