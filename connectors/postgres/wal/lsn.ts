import { DataError } from "../../../src/api/index.js";

declare const lsnBrand: unique symbol;

/** A WAL position: a byte offset, printed by Postgres as two hex words, `16/B374D848`. A number, exact below 2^53. */
export type Lsn = number & { readonly [lsnBrand]: true };

export const NO_LSN = 0 as Lsn;

const LSN_TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** @throws DataError for anything but two hex words that make a number below 2^53 (8 petabytes of WAL). */
export function parseLsn(text: string): Lsn {
  const words = LSN_TEXT.exec(text);
  const lsn = words ? Number.parseInt(words[1]!, 16) * 2 ** 32 + Number.parseInt(words[2]!, 16) : Number.NaN;
  if (!Number.isSafeInteger(lsn)) throw new DataError("VALUE_INVALID", `Expected an LSN like 0/16B3748, got ${text}`);
  return lsn as Lsn;
}

export function formatLsn(lsn: Lsn): string {
  const high = Math.floor(lsn / 2 ** 32);
  return `${high.toString(16).toUpperCase()}/${(lsn % 2 ** 32).toString(16).toUpperCase()}`;
}

export function readLsn(bytes: Buffer, at: number): Lsn {
  return (bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)) as Lsn;
}

export function writeLsn(bytes: Buffer, lsn: Lsn, at: number): void {
  bytes.writeUInt32BE(Math.floor(lsn / 2 ** 32), at);
  bytes.writeUInt32BE(lsn % 2 ** 32, at + 4);
}

/** WAL records start at multiples of 8, so Postgres itself never confirms a position with these low bits. */
const IDLE_MARK = 7;

/**
 * The position to confirm when nothing is outstanding and the server has sent everything before `shown`: one byte less.
 * No record starts between the two, so it releases the same WAL. The odd position is a mark: a later start sees that we
 * moved the slot past the stored offset on an idle source, and that it was not dropped and recreated.
 */
export function idleConfirmation(shown: Lsn): Lsn {
  return (shown > 0 && shown % 8 === 0 ? shown - 1 : shown) as Lsn;
}

/** Whether `idleConfirmation` made a slot's confirmed position. */
export function isIdleConfirmation(confirmed: Lsn): boolean {
  return confirmed % 8 === IDLE_MARK;
}
