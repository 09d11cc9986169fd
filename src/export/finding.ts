import { KafkaError } from "../protocol/kafka-error.js";

/** What an export has to say about one thing that is not at the target as it is at the source. */
export interface Finding {
  /**
   * `incomplete`: something was not carried that can be, once the remedy is taken. `note`: what no client can carry, and
   * what the reader must know of it.
   */
  readonly kind: "incomplete" | "note";
  /** `topic orders`, `group billing`. */
  readonly subject: string;
  /** What is not carried, and why. Never a record's content, nor a secret. */
  readonly text: string;
  readonly remedy: string;
}

/** A finding that makes the export incomplete. */
export function incomplete(subject: string, text: string, remedy: string): Finding {
  return { kind: "incomplete", subject, text, remedy };
}

/** A finding that only has to be known. */
export function note(subject: string, text: string, remedy: string): Finding {
  return { kind: "note", subject, text, remedy };
}

/** The finding in one line. */
export function findingLine({ kind, subject, text, remedy }: Finding): string {
  return `${kind}: ${subject}: ${text}. What to do: ${remedy}.`.replace(/\s*\n\s*/g, " ");
}

/** The message of an error and of what caused it, for a finding's text. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof KafkaError ? `; ${error.cause.message}` : "";
  return `${error.message || error.name}${cause}`;
}

/** Whether an error means that a cluster is gone, so that everything after it would fail, too. */
export function isOutage(error: unknown): boolean {
  if (KafkaError.is(error, "NETWORK_EXCEPTION")) return true;
  if (!KafkaError.is(error, "REQUEST_TIMED_OUT")) return false;
  return error.cause instanceof KafkaError ? isOutage(error.cause) : true;
}
