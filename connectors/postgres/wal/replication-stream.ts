import type pg from "pg";
import type { Clock, Timer } from "../../../src/api/index.js";
import { quoteIdentifier, quoteLiteral } from "../server/sql-text.js";
import { CopyChannel, type CopyFrame } from "./copy-channel.js";
import { formatLsn, type Lsn, NO_LSN, readLsn, writeLsn } from "./lsn.js";
import { explainReplicationFailure, type StreamNames } from "./replication-failure.js";
import { judgeSilence, type SilenceLimit } from "./server-silence.js";

const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
const XLOG_HEADER_BYTES = 25;
/** Microseconds from 1970 to 2000. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;
/** Status updates must arrive well within wal_sender_timeout: 60 s by default, possibly less. */
const MOST_SILENT_MS = 10_000;

/** Ordinary keepalives request a reply every half wal_sender_timeout; only a shutdown sends this many at once. */
const MOST_PINGS = 3;
const PING_WINDOW_MS = 1_000;

/** One message of the output plug-in, `bytes[start, end)`, and its WAL position. The same object each time. */
export interface WalMessage {
  lsn: Lsn;
  bytes: Buffer;
  start: number;
  end: number;
}

export interface StreamOptions extends StreamNames {
  /** PostgreSQL 14 and later can send logical messages. */
  readonly withMessages: boolean;
  /** More options of the output plug-in. */
  readonly slotOptions: readonly (readonly [name: string, value: string])[];
  readonly startLsn: Lsn;
  readonly limitBytes: number;
  readonly statusIntervalMs: number;
  readonly silence: SilenceLimit;
  readonly clock: Clock;
}

/**
 * The WAL messages of one slot over one connection, and the status updates sent back. Only the owner's `confirm` moves
 * the confirmed position. (I3)
 */
export class ReplicationStream {
  readonly #client: pg.Client;
  readonly #names: StreamNames;
  readonly #channel: CopyChannel;
  readonly #clock: Clock;
  readonly #statusIntervalMs: number;
  readonly #silence: SilenceLimit;
  #timer: Timer | undefined;
  #confirmed: Lsn = NO_LSN;
  #shown: Lsn = NO_LSN;
  #received: Lsn = NO_LSN;
  /** The state at the last timed status update, and the server's silence up to then. */
  #heard = { atMs: 0, bytes: 0, lsn: NO_LSN, silentMs: 0 };
  #pings = { at: NO_LSN, count: 0, sinceMs: 0 };
  readonly #message: WalMessage = { lsn: NO_LSN, bytes: Buffer.alloc(0), start: 0, end: 0 };

  private constructor(client: pg.Client, channel: CopyChannel, options: StreamOptions) {
    this.#client = client;
    this.#channel = channel;
    this.#names = options;
    this.#clock = options.clock;
    this.#silence = options.silence;
    this.#heard.atMs = this.#clock.monotonicMs();
    this.#heard.bytes = channel.receivedBytes;
    this.#statusIntervalMs = Math.min(options.statusIntervalMs, MOST_SILENT_MS);
    this.#scheduleStatus();
  }

  /**
   * Starts streaming on a connected replication client. The stream owns the client from then on.
   *
   * @throws ConfigError for a missing slot, UnsupportedError for one that lost its WAL, other server errors unchanged
   *   (55006: the slot is in use).
   */
  static async start(client: pg.Client, options: StreamOptions): Promise<ReplicationStream> {
    const channel = new CopyChannel(client, options.limitBytes);
    const parameters = [
      ...options.slotOptions.map(([name, value]) => `${quoteIdentifier(name)} ${quoteLiteral(value)}`),
      `"proto_version" '1'`,
      `"publication_names" ${quoteLiteral(quoteIdentifier(options.publicationName))}`,
      ...(options.withMessages ? [`"messages" 'true'`] : []),
    ];
    const sql = `START_REPLICATION SLOT ${quoteIdentifier(options.slotName)} LOGICAL ${formatLsn(options.startLsn)} (${parameters.join(", ")})`;
    await channel.start(sql).catch((error) => {
      throw explainReplicationFailure(error, "start", options);
    });
    return new ReplicationStream(client, channel, options);
  }

  /** The position of the last keepalive that `next` passed: the server has sent everything before it. */
  get shown(): Lsn {
    return this.#shown;
  }

  /** The position of the last message or keepalive that `next` passed. */
  get position(): Lsn {
    return Math.max(this.#received, this.#shown) as Lsn;
  }

  /** Asks the server for a keepalive, which shows how far it has sent. */
  requestPosition(): void {
    this.#sendStatus(true);
  }

  /** The position last confirmed over this connection. */
  get confirmed(): Lsn {
    return this.#confirmed;
  }

  get waitingBytes(): number {
    return this.#channel.waitingBytes;
  }

  /**
   * The next message already received, or null. Answers keepalives before it.
   *
   * @throws the error that ended the connection, after the last message received before it.
   */
  next(): WalMessage | null {
    for (;;) {
      const frame = this.#nextFrame();
      if (frame === null) {
        if (this.#channel.isDone) throw new Error("The server ended the replication stream");
        return null;
      }
      const { bytes, start } = frame;
      if (bytes[start] === XLOG_DATA) {
        const message = this.#message;
        message.lsn = readLsn(bytes, start + 1);
        if (message.lsn > this.#received) this.#received = message.lsn;
        message.bytes = bytes;
        message.start = start + XLOG_HEADER_BYTES;
        message.end = frame.end;
        return message;
      }
      if (bytes[start] === KEEPALIVE) {
        this.#shown = readLsn(bytes, start + 1);
        if (bytes[start + 17] === 1) this.#answer();
      }
    }
  }

  #nextFrame(): CopyFrame | null {
    try {
      return this.#channel.next();
    } catch (error) {
      throw explainReplicationFailure(error, "stream", this.#names);
    }
  }

  /** Resolves when `next` may return a message or would throw. One waiter at a time. */
  readable(): Promise<void> {
    return this.#channel.readable();
  }

  /** Stops reading for `forMs`, so the next read is one large chunk instead of many small ones. */
  async gather(forMs: number): Promise<void> {
    this.#channel.pause();
    await this.#clock.delay(forMs);
    this.#channel.resume();
  }

  /** Resolves a pending `readable`. */
  wake(): void {
    this.#channel.wake();
  }

  /**
   * Reports to the server at once that everything before `lsn` is stored. Ignores an earlier position, and one past
   * everything received here: an LSN the server has not reached belongs to another timeline, and confirming it would
   * release unread WAL. (I3)
   */
  confirm(lsn: Lsn): void {
    if (lsn <= this.#confirmed || lsn > this.position) return;
    this.#confirmed = lsn;
    this.#sendStatus();
  }

  /** Sends the confirmed position once more and ends the connection. */
  close(): void {
    this.#timer?.cancel();
    this.#sendStatus();
    this.#channel.detach();
    const { stream } = this.#client.connection;
    // Terminate: the walsender releases the slot at once. It would notice a closed socket only later.
    if (stream.writable) stream.end(Buffer.from([0x58, 0, 0, 0, 4]));
    else stream.destroy();
    // Discard the rest: a full socket would never close.
    stream.resume();
  }

  /**
   * A server shutting down requests replies in a row until everything it sent is confirmed to the byte, which may take
   * until the next offset flush, or forever. Disconnecting lets it end at once; the next connection resumes.
   */
  #answer(): void {
    const nowMs = this.#clock.monotonicMs();
    const pings = this.#pings;
    if (pings.at !== this.#shown || nowMs - pings.sinceMs > PING_WINDOW_MS) {
      pings.at = this.#shown;
      pings.count = 0;
      pings.sinceMs = nowMs;
    }
    if (++pings.count > MOST_PINGS) throw new Error("The server is shutting down");
    this.#sendStatus();
  }

  #scheduleStatus(): void {
    this.#timer = this.#clock.schedule(this.#statusIntervalMs, () => {
      if (this.#isSilent()) {
        this.#silence.lengthen();
        const seconds = Math.round(this.#heard.silentMs / 1000);
        this.#channel.fail(new Error(`the server has not answered for ${seconds} s on the replication connection`));
        return;
      }
      this.#sendStatus(true);
      this.#scheduleStatus();
    });
  }

  /** A half-open connection looks like a quiet one, except that requests for a reply stay unanswered. */
  #isSilent(): boolean {
    const heard = this.#heard;
    const nowMs = this.#clock.monotonicMs();
    const bytes = this.#channel.receivedBytes;
    heard.silentMs = judgeSilence(heard.silentMs, {
      elapsedMs: nowMs - heard.atMs,
      intervalMs: this.#statusIntervalMs,
      mayHaveAnswered: bytes !== heard.bytes || this.#channel.isPaused,
    });
    if (this.#received !== heard.lsn) this.#silence.reset();
    heard.atMs = nowMs;
    heard.bytes = bytes;
    heard.lsn = this.#received;
    return heard.silentMs >= this.#silence.limitMs;
  }

  /** @param wantsReply requests a keepalive: an idle server sends nothing otherwise. */
  #sendStatus(wantsReply = false): void {
    const status = Buffer.alloc(34);
    status[0] = 0x72;
    // The first position, received, releases no WAL: only the second, flushed, does. (I3)
    writeLsn(status, Math.max(this.position, this.#confirmed) as Lsn, 1);
    writeLsn(status, this.#confirmed, 9);
    writeLsn(status, this.#confirmed, 17);
    status.writeBigInt64BE(BigInt(this.#clock.nowMs()) * 1000n - BigInt(POSTGRES_EPOCH_US), 25);
    status[33] = wantsReply ? 1 : 0;
    this.#channel.write(status);
  }
}
