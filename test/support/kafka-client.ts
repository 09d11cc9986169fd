import { SystemClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { SystemRandom } from "../../src/base/random.js";
import type { KafkaClient } from "../../src/kafka/client/kafka-client.js";
import { createKafkaClient } from "../../src/kafka/create-kafka-client.js";

/** A client of the broker at `bootstrap`; the test closes it. */
export function kafkaClient(bootstrap: string, properties: Readonly<Record<string, string>> = {}): KafkaClient {
  return createKafkaClient({
    properties: { "bootstrap.servers": bootstrap, ...properties },
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
  });
}
