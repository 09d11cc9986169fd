import { ConfigError, type SourceRecord, type TransactionContext } from "../../api/index.js";

type Request = "commit" | "abort";

/**
 * The boundaries that a source task asks for (`transaction.boundary=connector`): after a batch, or after one of its
 * records.
 */
export class TransactionRequests implements TransactionContext {
  readonly #ofRecords = new Map<SourceRecord, Request>();
  #ofBatch: Request | undefined;
  #contradiction: ConfigError | undefined;

  commitTransaction(record?: SourceRecord): void {
    this.#note("commit", record);
  }

  abortTransaction(record?: SourceRecord): void {
    this.#note("abort", record);
  }

  /** The request for this record, which has just been produced or dropped. @throws ConfigError for two at once */
  takeRecord(record: SourceRecord): Request | undefined {
    this.#throwIfContradicted();
    if (this.#ofRecords.size === 0) return undefined;
    const request = this.#ofRecords.get(record);
    this.#ofRecords.delete(record);
    return request;
  }

  /** The request for the batch, all of whose records are done. @throws ConfigError for two at once */
  takeBatch(): Request | undefined {
    this.#throwIfContradicted();
    const request = this.#ofBatch;
    this.#ofBatch = undefined;
    return request;
  }

  #note(request: Request, record: SourceRecord | undefined): void {
    const earlier = record === undefined ? this.#ofBatch : this.#ofRecords.get(record);
    if (earlier !== undefined && earlier !== request) {
      const what = record === undefined ? "batch" : "record";
      const message = `The task asked for both a commit and an abort of the same ${what}: report this to the plugin's makers, or set transaction.boundary to 'poll'`;
      this.#contradiction = new ConfigError("transaction.boundary", message);
    }
    if (record === undefined) this.#ofBatch = request;
    else this.#ofRecords.set(record, request);
  }

  #throwIfContradicted(): void {
    if (this.#contradiction) throw this.#contradiction;
  }
}
