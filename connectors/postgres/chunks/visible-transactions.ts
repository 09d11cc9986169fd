/** A snapshot of transactions as the server prints it. Transaction ids of the stream have 32 bits. */
export class VisibleTransactions {
  readonly #end: number;
  readonly #open: ReadonlySet<number>;

  /** @param text `xmin:xmax:xip,…`, ids of 64 bits. */
  constructor(text: string) {
    const [, end, open] = text.split(":");
    this.#end = Number(BigInt(end!) & 0xffff_ffffn);
    this.#open = new Set(
      (open ?? "")
        .split(",")
        .filter((xid) => xid !== "")
        .map((xid) => Number(BigInt(xid) & 0xffff_ffffn)),
    );
  }

  has(xid: number): boolean {
    return ((xid - this.#end) | 0) < 0 && !this.#open.has(xid);
  }
}
