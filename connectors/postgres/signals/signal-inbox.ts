import type { Clock, Logger, Random, SourceMap } from "../../../src/api/index.js";
import type { SentSignal, SignalChannel } from "./signal-channel.js";

/** A signal that waits to be carried out. */
export interface WaitingSignal extends SentSignal {
  readonly channel: string;
}

export interface SignalInboxParts {
  readonly channels: readonly SignalChannel[];
  /** The task's offset at its start. */
  readonly stored: SourceMap | null;
  /** signal.poll.interval.ms */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

/** A signal, or the end of a batch. */
interface Entry {
  readonly channel: SignalChannel;
  readonly signal: SentSignal | null;
  readonly place: number;
}

/** Signals that wait at most, and ends of batches: the channels hold the rest. */
const MOST_WAITING = 1000;

/** How many batches of signals this connector has carried out; and the offset after the last one from Kafka. */
const COUNT = "signals_count";
const KAFKA_OFFSET = "signals_kafka_offset";

/** The offset before which the signals of the Kafka channel are carried out, by a stored offset. */
export function signalledKafkaOffset(offset: SourceMap | null): number {
  return Number(offset?.[KAFKA_OFFSET] ?? 0);
}

/**
 * Reads the channels in the background, and holds their signals until the stream takes them. Outlives every connection.
 *
 * A source offset says how many batches are carried out. Only once it is stored does the channel forget them: a crash
 * brings them again, a repeated batch of Kafka's being known by its offset.
 */
export class SignalInbox {
  readonly #parts: SignalInboxParts;
  readonly #waiting: Entry[] = [];
  /** Batches that are carried out and not settled, the oldest first. */
  readonly #done: { readonly channel: SignalChannel; readonly place: number; readonly count: number }[] = [];
  #count: number;
  #kafkaOffset: number;
  #storedCount: number;
  /** A signal of the present batch has changed what offsets hold. */
  #isHeld = false;
  /** Taken, and not done. */
  #current: Entry | undefined;
  #wake: () => void = () => {};
  #isStarted = false;
  #isSettling = false;
  #settleHasFailed = false;

  constructor(parts: SignalInboxParts) {
    this.#parts = parts;
    this.#count = Number(parts.stored?.[COUNT] ?? 0);
    this.#storedCount = this.#count;
    this.#kafkaOffset = signalledKafkaOffset(parts.stored);
  }

  /** What offsets hold. */
  get keys(): SourceMap {
    return keysOf(this.#count, this.#kafkaOffset);
  }

  /** Begins to read, unless it has. @param wake called when a signal waits. */
  start(wake: () => void): void {
    this.#wake = wake;
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (const channel of this.#parts.channels) void this.#listen(channel);
  }

  /**
   * The next signal to carry out. It counts as carried out with `done`; until then, `reopen` brings it again.
   *
   * @returns undefined if there is none; "ended" if a batch has ended, and offsets may hold another count.
   */
  take(): WaitingSignal | "ended" | undefined {
    const entry = this.#waiting.shift();
    if (!entry) return undefined;
    const { channel, signal, place } = entry;
    if (signal) {
      this.#current = entry;
      return { ...signal, channel: channel.name };
    }
    // No offset needs to tell of a batch that has changed nothing.
    if (this.#isHeld) this.#count++;
    this.#isHeld = false;
    if (channel.name === "kafka") this.#kafkaOffset = place;
    this.#done.push({ channel, place, count: this.#count });
    void this.#settle();
    return "ended";
  }

  /** The signal taken last is carried out. @param isHeld offsets made from now on hold what it asks for. */
  done(isHeld: boolean): void {
    this.#current = undefined;
    this.#isHeld ||= isHeld;
  }

  /** What offsets will hold once the signal taken last is done, if it is the last of its batch. */
  get nextKeys(): SourceMap {
    const next = this.#waiting[0];
    if (!next || next.signal) return this.keys;
    const kafkaOffset = next.channel.name === "kafka" ? next.place : this.#kafkaOffset;
    return keysOf(this.#count + 1, kafkaOffset);
  }

  /** A new connection: what the last one has not done is to be taken again. */
  reopen(): void {
    if (this.#current) this.#waiting.unshift(this.#current);
    this.#current = undefined;
  }

  /** The stored offset turned out to be a newer one. */
  goOnFrom(offset: SourceMap | null): void {
    this.#storedCount = Number(offset?.[COUNT] ?? 0);
    this.#count = Math.max(this.#count, this.#storedCount);
  }

  /** The worker has stored this offset. */
  stored(offset: SourceMap): void {
    this.#storedCount = Number(offset[COUNT] ?? 0);
    void this.#settle();
  }

  async close(): Promise<void> {
    for (const channel of this.#parts.channels) {
      await channel.close().catch((error) => this.#warn("A channel of signals was not closed", channel, error));
    }
  }

  /** Never rejects. One that fails is tried again at the next look at the channels: no other offset may be stored. */
  async #settle(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      for (let oldest = this.#done[0]; oldest && oldest.count <= this.#storedCount; oldest = this.#done[0]) {
        await oldest.channel.settle(oldest.place);
        this.#done.shift();
        this.#settleHasFailed = false;
      }
    } catch (error) {
      if (!this.#settleHasFailed && !this.#parts.stopping.aborted) {
        const message =
          "A signal that is carried out comes again after a restart until its channel forgets it, which is tried again";
        this.#warn(message, this.#done[0]!.channel, error);
      }
      this.#settleHasFailed = true;
    } finally {
      this.#isSettling = false;
    }
  }

  /** Never rejects. */
  async #listen(channel: SignalChannel): Promise<void> {
    const { pollMs, clock, stopping } = this.#parts;
    let hasFailed = false;
    while (!stopping.aborted) {
      let hasMore = false;
      void this.#settle();
      try {
        const batch = this.#waiting.length < MOST_WAITING ? await channel.read() : undefined;
        if (batch) {
          this.#receive(channel, batch.signals, batch.place);
          hasMore = true;
        }
        hasFailed = false;
      } catch (error) {
        if (!hasFailed && !stopping.aborted) this.#warn("Signals cannot be read, which is tried again", channel, error);
        hasFailed = true;
      }
      if (!hasMore) await clock.delay(pollMs, stopping);
    }
  }

  #receive(channel: SignalChannel, signals: readonly SentSignal[], place: number): void {
    const { random } = this.#parts;
    for (const signal of signals) {
      this.#waiting.push({ channel, signal: signal.id === "" ? { ...signal, id: random.uuid() } : signal, place });
    }
    this.#waiting.push({ channel, signal: null, place });
    this.#wake();
  }

  #warn(message: string, channel: SignalChannel, error: unknown): void {
    this.#parts.logger.warn(message, { channel: channel.name }, error);
  }
}

function keysOf(count: number, kafkaOffset: number): SourceMap {
  if (count === 0) return {};
  return { [COUNT]: count, ...(kafkaOffset > 0 && { [KAFKA_OFFSET]: kafkaOffset }) };
}
