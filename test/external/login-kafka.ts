import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Peers } from "./peers.js";

/** An Apache Kafka with a listener that asks for no login, and one that does. */
export interface LoginKafka {
  readonly peers: Peers;
  readonly plainPort: number;
  /** Of SASL_PLAINTEXT. */
  readonly saslPort: number;
  stop(): Promise<void>;
}

/** @param properties of the broker, its users among them. */
export async function startLoginKafka(
  script: string,
  properties: Readonly<Record<string, string>>,
): Promise<LoginKafka> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-login-kafka-"));
  const extra = join(folder, "kafka.properties");
  const peers = await Peers.prepare(script, { BROKER_EXTRA: extra });
  const plainPort = Number(peers.bootstrap.split(":")[1]);
  const saslPort = await freePort();
  const listeners = `PLAINTEXT://127.0.0.1:${plainPort},SASL_PLAINTEXT://127.0.0.1:${saslPort}`;
  const all = {
    listeners: `${listeners},CONTROLLER://127.0.0.1:${plainPort + 1}`,
    "advertised.listeners": listeners,
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
    ...properties,
  };
  writeFileSync(
    extra,
    Object.entries(all)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  await peers.startKafka();
  return {
    peers,
    plainPort,
    saslPort,
    async stop() {
      await peers.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
