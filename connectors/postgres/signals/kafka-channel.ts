import { DataError, type Logger, type TopicMessage, type TopicReader } from "../../../src/api/index.js";
import type { SentSignal, SignalBatch, SignalChannel } from "./signal-channel.js";
import { parseSignalMessage } from "./signal-message.js";

export interface KafkaChannelParts {
  readonly reader: TopicReader;
  readonly topic: string;
  /** topic.prefix: signals with another key are for other connectors. */
  readonly key: string;
  readonly pollTimeoutMs: number;
  readonly logger: Logger;
}

/** Before this the first fetch has hardly been answered. */
const LEAST_POLL_MS = 100;

/** Signals from the first partition of a topic. A place is the offset after a message. */
export class KafkaChannel implements SignalChannel {
  readonly name = "kafka";

  /** Read from the topic; delivered one at a time, each with its own place. */
  readonly #waiting: TopicMessage[] = [];

  constructor(private readonly parts: KafkaChannelParts) {}

  async read(): Promise<SignalBatch | undefined> {
    const { reader, pollTimeoutMs } = this.parts;
    const message = this.#waiting.shift() ?? (await this.#poll(reader, Math.max(LEAST_POLL_MS, pollTimeoutMs)));
    return message && { signals: this.#signal(message), place: message.offset + 1 };
  }

  async #poll(reader: TopicReader, waitMs: number): Promise<TopicMessage | undefined> {
    this.#waiting.push(...(await reader.poll(waitMs)));
    return this.#waiting.shift();
  }

  #signal({ offset, key, value }: TopicMessage): SentSignal[] {
    const { key: own, logger, topic } = this.parts;
    if (key?.toString("utf8") !== own) {
      logger.info("A signal is not for this connector: its key is not topic.prefix", { topic, offset });
      return [];
    }
    try {
      return [parseSignalMessage(value?.toString("utf8") ?? "")];
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      logger.warn(`A signal was ignored: ${error.message}`, { channel: this.name, topic, offset });
      return [];
    }
  }

  settle(place: number): Promise<void> {
    return this.parts.reader.commit(place);
  }

  close(): Promise<void> {
    return this.parts.reader.close();
  }
}
