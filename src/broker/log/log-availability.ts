import type { Logger } from "../../base/logger.js";
import { KafkaError } from "../../protocol/kafka-error.js";

/**
 * Whether a log can be accessed. It cannot once it is closed, by a stop or by the deletion of its topic, or offline,
 * because the disk failed; both last until the next start.
 */
export class LogAvailability {
  #isClosed = false;
  #offline: KafkaError | undefined;

  constructor(
    private readonly folder: string,
    private readonly logger: Logger,
  ) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The error that took the log offline; undefined when it is not. */
  get offline(): KafkaError | undefined {
    return this.#offline;
  }

  get isAvailable(): boolean {
    return !this.#isClosed && !this.#offline;
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * Takes the log offline.
   *
   * @param doing what failed, as in `reading`.
   * @returns the error that took it offline, now or earlier.
   */
  fail(doing: string, cause: unknown): KafkaError {
    if (this.#offline) return this.#offline;
    const { folder } = this;
    const detail = "the log is offline until the next start, which checks it";
    this.#offline = new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${folder}`, { detail, cause });
    this.logger.error(
      "A log is offline: the disk failed. Repair or replace the disk, then restart the broker, which checks the log",
      { folder },
      cause,
    );
    return this.#offline;
  }

  /**
   * Runs a step that accesses the log, and returns its result.
   *
   * @param doing names the step in errors, as in `reading`.
   * @throws KafkaError: KAFKA_STORAGE_ERROR when the log is closed or offline or the disk fails; that of `step`.
   */
  guard<T>(doing: string, step: () => T): T {
    if (this.#isClosed) throw this.closedError(doing);
    if (this.#offline) throw this.#offline;
    try {
      return step();
    } catch (cause) {
      throw this.#storageError(doing, cause);
    }
  }

  /** The same for a step that the log may be closed or taken offline during. */
  async guardLater<T>(doing: string, step: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw this.closedError(doing);
    if (this.#offline) throw this.#offline;
    try {
      return await step();
    } catch (cause) {
      throw this.#storageError(doing, cause);
    }
  }

  #storageError(doing: string, cause: unknown): KafkaError {
    if (cause instanceof KafkaError) return cause;
    return new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${this.folder}`, { cause });
  }

  /** The error of a step that needs the log after its end. */
  closedError(doing: string): KafkaError {
    return new KafkaError("KAFKA_STORAGE_ERROR", `${doing} ${this.folder}`, { detail: "the log is closed" });
  }
}
