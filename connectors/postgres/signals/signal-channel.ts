/** A signal as a channel delivers it: nothing of it is checked. */
export interface SentSignal {
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly data: string;
}

/** What a channel delivers at a time. */
export interface SignalBatch {
  readonly signals: readonly SentSignal[];
  /** Where the channel stands after them, for `settle`. */
  readonly place: number;
}

/** Where signals come from besides the signal table. */
export interface SignalChannel {
  readonly name: "kafka" | "file";
  /**
   * What has come since the last call; may wait a moment for it. undefined: nothing.
   *
   * @throws any error; the next call tries again.
   */
  read(): Promise<SignalBatch | undefined>;
  /** Everything up to that place is carried out, and never needed again. @throws as `read`; is then called again. */
  settle(place: number): Promise<void>;
  close(): Promise<void>;
}
