import type { Random } from "../../base/random.js";
import {
  applyChange,
  type BrokerMetadata,
  type MetadataChange,
  type MutableMetadata,
  mutableMetadata,
} from "./broker-metadata.js";
import type { MetadataLog } from "./metadata-log.js";

const DECOY_BYTES = 32;

/** Producer ids reserved per change of the metadata, so that most ids cost no write. */
const PRODUCER_ID_BLOCK = 1000;

interface Wait {
  readonly changes: readonly MetadataChange[];
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * The broker's metadata in memory: what is on disk. Changes that are made while others are being written share the next
 * write, so that a request costs at most one sync, and no sync blocks the loop.
 */
export class BrokerState {
  readonly #metadata: MutableMetadata;
  #nextProducerId: number;
  #waits: Wait[] = [];
  #running: Promise<void> | undefined;
  #reserved: Promise<void> | undefined;
  #isClosed = false;

  private constructor(
    private readonly log: MetadataLog,
    private readonly turn: () => Promise<void>,
    metadata: BrokerMetadata,
  ) {
    this.#metadata = mutableMetadata(metadata);
    this.#nextProducerId = metadata.nextProducerId;
  }

  /**
   * Reads the metadata, or creates that of a new cluster, and begins the next epoch. It is on disk when this returns.
   *
   * @param turn resolves once the requests that have arrived are served: their changes share a write.
   */
  static open(log: MetadataLog, random: Random, turn: () => Promise<void>): BrokerState {
    const stored = log.read() ?? {
      clusterId: randomKafkaUuid(random),
      epoch: -1,
      nextProducerId: 0,
      topics: new Map(),
      nodeConfigs: {},
      defaultConfigs: {},
      groupConfigs: new Map(),
      scramUsers: new Map(),
      acls: new Map(),
      clientQuotas: new Map(),
      decoySecret: "",
    };
    const decoySecret = stored.decoySecret || random.bytes(DECOY_BYTES).toString("base64");
    const metadata = { ...stored, decoySecret, epoch: stored.epoch + 1 };
    log.begin(metadata);
    log.keepReserve();
    return new BrokerState(log, turn, metadata);
  }

  get metadata(): BrokerMetadata {
    return this.#metadata;
  }

  /**
   * Makes changes, all of them or none. They are on disk, and in `metadata`, once this resolves.
   * @throws rejects with the disk's error, with which nothing has changed, or with MetadataInDoubtError.
   */
  change(...changes: readonly MetadataChange[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("The broker's metadata is closed"));
    return new Promise((resolve, reject) => {
      this.#waits.push({ changes, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** As in MetadataLog. */
  keepReserve(): void {
    this.log.keepReserve();
  }

  /** A producer id that was never handed out before, not even by an earlier start. @throws as `change`. */
  async takeProducerId(): Promise<number> {
    while (this.#nextProducerId >= this.#metadata.nextProducerId) {
      const nextProducerId = this.#metadata.nextProducerId + PRODUCER_ID_BLOCK;
      this.#reserved ??= this.change({ kind: "next-producer-id", nextProducerId }).finally(() => {
        this.#reserved = undefined;
      });
      await this.#reserved;
    }
    return this.#nextProducerId++;
  }

  /** Ends once the changes that were made are written; later ones are refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    this.log.close();
  }

  async #run(): Promise<void> {
    while (this.#waits.length > 0) {
      await this.turn();
      const group = this.#waits.splice(0);
      const changes = group.flatMap((wait) => wait.changes);
      try {
        await this.log.append(this.#metadata, changes);
        for (const change of changes) applyChange(this.#metadata, change);
        for (const { resolve } of group) resolve();
      } catch (cause) {
        for (const { reject } of group) reject(cause);
      }
    }
    // In the same step as the check: a change that comes later begins another run.
    this.#running = undefined;
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
