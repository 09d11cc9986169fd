import type { LogFields, Logger } from "../../api/index.js";

/** What tells of rejections that nobody awaited: `process`, whose events are those of the thread it is asked in. */
interface RejectionSource {
  on(event: "unhandledRejection", hear: (reason: unknown) => void): unknown;
}

/**
 * Logs a promise rejection that nobody awaited, in place of ending the thread for it: it is the fault of one plugin, and
 * no reason to stop all others.
 *
 * @param about what is known of whose promise it was.
 */
export function logStrayRejections(source: RejectionSource, logger: Logger, about: () => LogFields = () => ({})): void {
  source.on("unhandledRejection", (reason) => {
    logger.error("A promise of a plugin was rejected and nobody awaited it; its host goes on", about(), reason);
  });
}
