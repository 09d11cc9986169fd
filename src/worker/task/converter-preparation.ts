import { type ConnectError, type Converter, errorKind, type RecordHeader, type Schema } from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
import { NeverTolerated } from "./error-policy.js";

/** The converter that a record failed in, and what it is to prepare for. */
export interface ConverterAtWork {
  readonly converter: Converter;
  readonly topic: string;
  readonly subject: Schema | Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** Whether a converter asks for its `prepare`; by code, since a plugin may carry its own copy of the api. */
export function isNotPrepared(error: unknown): boolean {
  return errorKind(error) === "data" && (error as ConnectError).code === "CONVERTER_NOT_PREPARED";
}

/**
 * Converts a record, and prepares for it each converter that asks for it, once. Nothing else of the task may go on
 * meanwhile: the record after this one would overtake it (I9).
 *
 * @param attempt converts the record; throws what its converter throws.
 * @param atWork which converter `attempt` has just thrown in; undefined for none that prepares.
 * @throws what a converter or its `prepare` throws; NeverTolerated when the task is stopped meanwhile: the record is not bad.
 */
export async function convertPrepared<T>(
  attempt: () => T,
  atWork: () => ConverterAtWork | undefined,
  stopping: AbortSignal,
): Promise<T> {
  const prepared = new Set<Converter>();
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      const found = isNotPrepared(error) ? atWork() : undefined;
      if (!found?.converter.prepare || prepared.has(found.converter)) throw error;
      prepared.add(found.converter);
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
