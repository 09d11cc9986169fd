/** The bytes of one open file that did not fit in memory. */
export interface SpillFile {
  /** Bytes that are not dropped. */
  readonly length: number;
  append(pieces: readonly Buffer[]): Promise<void>;
  /** The first `count` bytes, in pieces. With `into`, each piece lies in that buffer and is valid until the next. */
  read(count: number, into?: Buffer): AsyncGenerator<Buffer>;
  drop(count: number): void;
  close(): Promise<void>;
}
