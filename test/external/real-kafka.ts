import { KafkaContainer } from "@testcontainers/kafka";
import { getContainerRuntimeClient } from "testcontainers";
import { findPeers, Peers } from "./peers.js";

const IMAGE = "confluentinc/cp-kafka:8.1.0";
const PLAINTEXT_PORT = 9093;

/** A Kafka that is not ours. */
export interface RealKafka {
  /** `host:port`, as `bootstrap.servers` takes it. */
  readonly bootstrap: string;
  stop(): Promise<void>;
}

/**
 * How a real Kafka can be had here, in this order: one that runs already (MILLRACE_KAFKA=host:port, whose data is the
 * caller's to throw away), the starter of the originals, Docker. undefined where none is, which is said loudly.
 */
export async function findRealKafka(): Promise<(() => Promise<RealKafka>) | undefined> {
  const given = process.env["MILLRACE_KAFKA"];
  if (given) return async () => ({ bootstrap: given, stop: async () => {} });
  const { script, missing } = findPeers();
  if (!missing) {
    return async () => {
      const peers = await Peers.prepare(script);
      await peers.startKafka();
      return { bootstrap: peers.bootstrap, stop: () => peers.stop() };
    };
  }
  if (await dockerAnswers()) return startContainer;
  console.warn("\n*** The suites on a real Kafka are SKIPPED: no MILLRACE_KAFKA, no originals, no Docker ***\n");
  return undefined;
}

async function dockerAnswers(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch (error) {
    console.warn(`Docker does not answer: ${String(error)}`);
    return false;
  }
}

async function startContainer(): Promise<RealKafka> {
  const container = await new KafkaContainer(IMAGE).withKraft().start();
  return {
    bootstrap: `${container.getHost()}:${container.getMappedPort(PLAINTEXT_PORT)}`,
    stop: async () => {
      await container.stop();
    },
  };
}
