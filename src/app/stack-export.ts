import type { Clock, Logger } from "../api/index.js";
import type { Random } from "../api/random.js";
import type { ExportCommandOptions } from "../cli/program.js";
import { exportCluster } from "../export/cluster-export.js";
import type { ClientProperties } from "../kafka/client/client-options.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import { connectionConfig } from "../kafka/client-properties.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { readPropertiesFile } from "./properties-file.js";

/** The parts of an export that its process has. */
export interface ExportParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Receives the report, line by line. */
  readonly print: (line: string) => void;
  /** Aborts the export. */
  readonly signal: AbortSignal;
}

/** For the wait of a start until a broker answers. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What the properties of the target may override. */
const WRITING: ClientProperties = {
  // As many bytes as a broker takes in one request (socket.request.max.bytes): a record may be one that compresses well.
  "max.request.size": "104857600",
  "batch.size": "1000000",
  // Java's default; without it a target that is gone would be waited for without end.
  "delivery.timeout.ms": "120000",
};

/**
 * Exports one cluster to another.
 *
 * @returns whether everything was carried that can be.
 * @throws ConfigError for a file or property; Error naming the option when a cluster does not answer at the start.
 */
export async function exportBetween(options: ExportCommandOptions, parts: ExportParts): Promise<boolean> {
  const properties = (server: string, file: string | undefined, defaults: ClientProperties): ClientProperties => ({
    "client.id": "millrace-export",
    ...defaults,
    ...(file === undefined ? {} : readPropertiesFile(file)),
    "bootstrap.servers": server,
  });
  const { clock, random, logger, signal, print } = parts;
  const source = properties(options.from, options.fromConfig, {});
  const from = createKafkaClient({ properties: source, clock, random, logger });
  try {
    const to = createKafkaClient({
      properties: properties(options.to, options.toConfig, WRITING),
      clock,
      random,
      logger,
    });
    try {
      await connect(from, "--from", signal);
      await connect(to, "--to", signal);
      return await exportCluster({
        from,
        to,
        clock,
        logger,
        signal,
        print,
        readTimeoutMs: connectionConfig(source).apiTimeoutMs,
        topics: options.topics,
        replicationFactor: options.replicationFactor ?? -1,
        keepsOffsets: options.keepOffsets,
      });
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** Waits until a cluster answers. The option in the error is the one that names it: a user knows no bootstrap.servers. */
async function connect({ admin }: KafkaClient, option: "--from" | "--to", signal: AbortSignal): Promise<void> {
  try {
    await admin.connect(CONNECT_TIMEOUT_MS, signal);
  } catch (cause) {
    if (!(cause instanceof KafkaError)) throw cause;
    const remedy = `Check that it runs, and the security that it needs: ${option}-config FILE`;
    throw new Error(`The Kafka of ${option} cannot be used: ${cause.message}. ${remedy}`, { cause });
  }
}
