import { MalformedError } from "../../../protocol/malformed-error.js";
import type { CleanedGroup, CleaningJob } from "./cleaning-job.js";

/** A message to the cleaning thread; `next`: the last group was adopted. */
export type CleaningOrder = { readonly kind: "clean"; readonly job: CleaningJob } | { readonly kind: "next" };

/** A message from the cleaning thread. */
export type CleaningReport =
  | { readonly kind: "group"; readonly group: CleanedGroup }
  | { readonly kind: "done"; readonly endOffset: number }
  | { readonly kind: "failed"; readonly failure: CleaningFailure };

/** An error as it crosses threads, which keep neither its class nor its fields. */
export interface CleaningFailure {
  readonly isMalformed: boolean;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of the disk's errors. */
  readonly code: string | undefined;
  readonly syscall: string | undefined;
}

export function failureOf(cause: unknown): CleaningFailure {
  const { message, stack, code, syscall } = cause as NodeJS.ErrnoException;
  return { isMalformed: cause instanceof MalformedError, message, stack, code, syscall };
}

/** The inverse of `failureOf`, in the class and with the fields that the cleaner judges by. */
export function errorOf({ isMalformed, message, stack, code, syscall }: CleaningFailure): Error {
  const error = isMalformed ? new MalformedError(message) : new Error(message);
  return Object.assign(error, stack && { stack }, code && { code }, syscall && { syscall });
}
