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
/** wal_sender_timeout is 60 s by default and may be less: the server must hear from us well within. */
const MOST_SILENT_MS = 10_000;

/** Ordinary keepalives that ask for an answer come every half wal_sender_timeout. */
const MOST_PINGS = 3;
const PING_WINDOW_MS = 1_000;

/** One message of the output plug-in, `bytes[start, end)`, and the WAL position it is for. The same object each time. */
export interface WalMessage {
  lsn: Lsn;
  bytes: Buffer;
  start: number;
  end: number;
}

export interface StreamOptions extends StreamNames {
  /** PostgreSQL 14 and later can send logical messages. */
  readonly withMessages: boolean;
  readonly startLsn: Lsn;
  readonly limitBytes: number;
  readonly statusIntervalMs: number;
  readonly silence: SilenceLimit;
  readonly clock: Clock;
}

/**
 * The WAL messages of one slot, over one connection, and the status updates that go back. The position confirmed in
 * these is what the owner says, and nothing else moves it. (I3)
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
  /** What was here at the last timed status update, and for how long nothing has come by then. */
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
   * Starts streaming on a connected replication client, which the stream owns from then on.
   *
   * @throws ConfigError for a slot that is missing, UnsupportedError for one that lost its WAL, and any other error of the
   *   server as it is (55006: the slot is in use).
   */
  static async start(client: pg.Client, options: StreamOptions): Promise<ReplicationStream> {
    const channel = new CopyChannel(client, options.limitBytes);
    const parameters = [
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

  /** The position up to which the server has shown everything: of the last keepalive that `next` walked over. */
  get shown(): Lsn {
    return this.#shown;
  }

  /** The position last confirmed over this connection. */
  get confirmed(): Lsn {
    return this.#confirmed;
  }

  get waitingBytes(): number {
    return this.#channel.waitingBytes;
  }

  /**
   * The next message that is here, or null. Keepalives before it are answered on the way.
   *
   * @throws the error that ended the connection, after the last message that came before it.
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

  /** Resolves when `next` may have something or would throw. One waiter at a time. */
  readable(): Promise<void> {
    return this.#channel.readable();
  }

  /** Leaves the socket alone for a moment, so that what comes is read at once and not in many small pieces. */
  async gather(forMs: number): Promise<void> {
    this.#channel.pause();
    await this.#clock.delay(forMs);
    this.#channel.resume();
  }

  /** Ends the waiting of `readable`. */
  wake(): void {
    this.#channel.wake();
  }

  /**
   * Tells the server at once that everything before `lsn` is stored. Never backwards, and never past what came over
   * this connection: a position that the server has not got to is one of another time line, which would let go of what
   * is written up to there. (I3)
   */
  confirm(lsn: Lsn): void {
    if (lsn <= this.#confirmed || lsn > Math.max(this.#received, this.#shown)) return;
    this.#confirmed = lsn;
    this.#sendStatus();
  }

  /** Sends what was confirmed once more and ends the connection. */
  close(): void {
    this.#timer?.cancel();
    this.#sendStatus();
    this.#channel.detach();
    const { stream } = this.#client.connection;
    // Terminate: the walsender lets go of the slot at once, where a mere end of the socket is noticed late.
    if (stream.writable) stream.end(Buffer.from([0x58, 0, 0, 0, 4]));
    else stream.destroy();
    // Nobody reads any more what still comes, and a full socket would never close.
    stream.resume();
  }

  /**
   * A server that shuts down asks again and again, until what it has sent is confirmed to the byte. That may take until
   * the next offset flush, or for ever: going away lets it end at once, and the next connection goes on.
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

  /** A connection that was cut without a word looks like a quiet one, except that nobody answers. */
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

  /** @param asks for an answer, which an idle server gives by nothing else. */
  #sendStatus(asks = false): void {
    const status = Buffer.alloc(34);
    status[0] = 0x72;
    // What was received says nothing about what may be let go of: only the second position, flushed, does. (I3)
    writeLsn(status, Math.max(this.#received, this.#shown, this.#confirmed) as Lsn, 1);
    writeLsn(status, this.#confirmed, 9);
    writeLsn(status, this.#confirmed, 17);
    status.writeBigInt64BE(BigInt(this.#clock.nowMs()) * 1000n - BigInt(POSTGRES_EPOCH_US), 25);
    status[33] = asks ? 1 : 0;
    this.#channel.write(status);
  }
}
