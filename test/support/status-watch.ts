import { SystemClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { CompactedLog } from "../../src/stores/compacted-log.js";
import { KafkaLogTransport } from "../../src/stores/log-transport.js";
import type { StoredStatus } from "../../src/stores/status-fold.js";
import { StatusStore } from "../../src/stores/status-store.js";
import { kafkaClient } from "./kafka-client.js";

/** The statuses of one connector in the status topic. */
export interface ConnectorStatuses {
  /** undefined: no status yet, or deleted. */
  readonly connector: StoredStatus | undefined;
  /** By task id. */
  readonly tasks: readonly (readonly [number, StoredStatus])[];
}

type Predicate = (statuses: ConnectorStatuses) => boolean;

/** Follows the status topic, so that a test awaits a state instead of polling for it. */
export class StatusWatch {
  readonly #client: KafkaClient;
  readonly #store: StatusStore;
  readonly #expectations = new Set<{ connector: string; check: () => void }>();

  private constructor(kafka: string, topic: string) {
    const clock = new SystemClock();
    const random = new SystemRandom();
    this.#client = kafkaClient(kafka, { "client.id": "status-watch" });
    const transport = new KafkaLogTransport(this.#client, topic, clock);
    this.#store = new StatusStore(
      (fold) => new CompactedLog({ topic, transport, clock, random, logger: silentLogger, fold }),
      (connector) => this.#changed(connector),
      clock,
      random,
      silentLogger,
    );
  }

  /** @param topic the worker's `status.storage.topic`, which must exist. */
  static async open(kafka: string, topic = "connect-status"): Promise<StatusWatch> {
    const watch = new StatusWatch(kafka, topic);
    await watch.#store.start();
    return watch;
  }

  of(connector: string): ConnectorStatuses {
    return { connector: this.#store.status({ connector }), tasks: this.#store.taskStatuses(connector) };
  }

  /** Resolves once the connector's statuses satisfy `predicate`, at once if they already do. Register before acting. */
  async until(connector: string, predicate: Predicate): Promise<ConnectorStatuses> {
    const reached = deferred<ConnectorStatuses>();
    const check = () => {
      const statuses = this.of(connector);
      if (predicate(statuses)) reached.resolve(statuses);
    };
    const expectation = { connector, check };
    this.#expectations.add(expectation);
    check();
    try {
      return await reached.promise;
    } finally {
      this.#expectations.delete(expectation);
    }
  }

  /** Resolves once the connector is noted as using exactly these topics, in order of name. */
  async topics(connector: string, topics: readonly string[]): Promise<void> {
    await this.until(connector, () => this.#store.topics(connector).join() === topics.join());
  }

  /** Whether the connector is noted as using this topic, among others. */
  usesTopic(connector: string, topic: string): boolean {
    return this.#store.topics(connector).includes(topic);
  }

  /** The connector and exactly `tasks` tasks are RUNNING. */
  running(connector: string, tasks = 1): Promise<ConnectorStatuses> {
    return this.until(
      connector,
      (statuses) =>
        statuses.connector?.state === "RUNNING" &&
        statuses.tasks.length === tasks &&
        statuses.tasks.every(([, { state }]) => state === "RUNNING"),
    );
  }

  /** The connector and its tasks have no statuses. */
  gone(connector: string): Promise<ConnectorStatuses> {
    return this.until(connector, (statuses) => !statuses.connector && statuses.tasks.length === 0);
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#client.close();
  }

  #changed(connector: string): void {
    for (const expectation of this.#expectations) if (expectation.connector === connector) expectation.check();
  }
}
