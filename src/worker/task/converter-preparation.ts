import { type ConnectError, type Converter, errorKind, type RecordHeader, type Schema } from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
import { NeverTolerated } from "./error-policy.js";

/** The converter in which a record failed, and the arguments for its `prepare`. */
export interface ConverterAtWork {
  readonly converter: Converter;
  readonly topic: string;
  readonly subject: Schema | Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** Whether a converter requests its `prepare`. Judged by code, since a plugin may carry its own copy of the api. */
export function isNotPrepared(error: unknown): boolean {
  return errorKind(error) === "data" && (error as ConnectError).code === "CONVERTER_NOT_PREPARED";
}

/**
 * Converts a record, and calls `prepare` on each converter that requests it, but never twice in a row: what one has
 * prepared may expire while another one prepares. The task must do nothing else meanwhile: the next record would
 * overtake this one (I9).
 *
 * @param attempt converts the record; throws its converter's error.
 * @param atWork the converter in which `attempt` has just thrown; undefined if it cannot prepare.
 * @throws the error of a converter or its `prepare`; NeverTolerated if the task stops meanwhile, since the record is
 *   not at fault.
 */
export async function convertPrepared<T>(
  attempt: () => T,
  atWork: () => ConverterAtWork | undefined,
  stopping: AbortSignal,
): Promise<T> {
  let last: Converter | undefined;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      const found = isNotPrepared(error) ? atWork() : undefined;
      if (!found?.converter.prepare || last === found.converter) throw error;
      last = found.converter;
      await untilStopped(found.converter.prepare(found.topic, found.subject, found.headers), stopping);
    }
  }
}

async function untilStopped(work: Promise<void>, stopping: AbortSignal): Promise<void> {
  const stopped = deferred<never>();
  const stop = () => stopped.reject(new NeverTolerated(new Error("The task was stopped while a converter prepared")));
  stopping.addEventListener("abort", stop, { once: true });
  if (stopping.aborted) stop();
  try {
    await Promise.race([work, stopped.promise]);
  } finally {
    stopping.removeEventListener("abort", stop);
  }
}
