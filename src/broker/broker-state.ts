import type { Random } from "../base/random.js";
import type { BrokerMetadata, MetadataFile } from "./metadata-file.js";

/** Producer ids reserved per write of the metadata file, so that most ids cost no write. */
const PRODUCER_ID_BLOCK = 1000;

/** The broker's metadata in memory. Every change is on disk before the method that makes it returns. */
export class BrokerState {
  #metadata: BrokerMetadata;
  #nextProducerId: number;

  private constructor(
    private readonly file: MetadataFile,
    metadata: BrokerMetadata,
  ) {
    this.#metadata = metadata;
    this.#nextProducerId = metadata.nextProducerId;
  }

  /** Reads the metadata, or creates that of a new cluster, and begins the next epoch. */
  static open(file: MetadataFile, random: Random): BrokerState {
    const stored = file.read() ?? {
      clusterId: randomKafkaUuid(random),
      epoch: -1,
      nextProducerId: 0,
      topics: {},
      nodeConfigs: {},
      defaultConfigs: {},
    };
    const state = new BrokerState(file, stored);
    state.update({ epoch: stored.epoch + 1 });
    file.keepReserve();
    return state;
  }

  get metadata(): BrokerMetadata {
    return this.#metadata;
  }

  /** @throws the disk's error, with which nothing has changed. */
  update(change: Partial<BrokerMetadata>): void {
    const next = { ...this.#metadata, ...change };
    try {
      this.file.write(next);
    } catch (cause) {
      this.#writeBack();
      throw cause;
    }
    this.#metadata = next;
  }

  /** The failed write may have replaced the file: the next start would find topics gone that are still served. */
  #writeBack(): void {
    try {
      this.file.write(this.#metadata);
    } catch {
      // Nothing more can be done; the next change writes all of it.
    }
  }

  /** As in MetadataFile. */
  keepReserve(): void {
    this.file.keepReserve();
  }

  /** A producer id that was never handed out before, not even by an earlier start. */
  takeProducerId(): number {
    if (this.#nextProducerId >= this.#metadata.nextProducerId) {
      this.update({ nextProducerId: this.#metadata.nextProducerId + PRODUCER_ID_BLOCK });
    }
    return this.#nextProducerId++;
  }
}

/**
 * A random id as Kafka prints it: 16 bytes in base64url. Not with a leading dash, which tools would read as an option.
 */
export function randomKafkaUuid(random: Random): string {
  for (;;) {
    const id = Buffer.from(random.uuid().replaceAll("-", ""), "hex").toString("base64url");
    if (!id.startsWith("-")) return id;
  }
}
