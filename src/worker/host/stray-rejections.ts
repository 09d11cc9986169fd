import type { LogFields, Logger } from "../../api/index.js";

/** Emits unhandled rejections: `process`, whose events are those of the current thread. */
interface RejectionSource {
  on(event: "unhandledRejection", hear: (reason: unknown) => void): unknown;
}

/**
 * Logs an unhandled promise rejection instead of ending the thread: one plugin's fault must not stop all others.
 *
 * @param about log fields that identify the promise's owner.
 */
export function logStrayRejections(source: RejectionSource, logger: Logger, about: () => LogFields = () => ({})): void {
  source.on("unhandledRejection", (reason) => {
    logger.error("Unhandled promise rejection in a plugin; its host continues", about(), reason);
  });
}
