import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const TLS = join(import.meta.dirname, "../support/tls");
const DISTRUST = { stdout: expect.stringMatching(/SSL handshake failed/) };
const CONFIGS = "kafka.admin.ConfigCommand";

describe.skipIf(missing)("certificates of the bundled broker, with the stock tools", () => {
  let folder: string;
  let broker: TestBroker;
  let peers: Peers;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millrace-certificates-"));
    copyFileSync(join(TLS, "stranger.pem"), join(folder, "listener.pem"));
    broker = await startTestBroker({
      properties: {
        listeners: "PLAINTEXT://127.0.0.1:0,SECURE://127.0.0.1:0",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SSL",
        "ssl.keystore.location": join(folder, "listener.pem"),
        "millrace.ssl.reload.interval.ms": "3600000",
      },
    });
    peers = await Peers.prepare(script);
    const trust = [
      "security.protocol=SSL",
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${join(TLS, "ca.pem")}`,
    ];
    writeFileSync(
      join(folder, "client"),
      [...trust, "request.timeout.ms=5000", "default.api.timeout.ms=10000"].join("\n"),
    );
  });
  afterAll(async () => {
    await peers?.stop();
    await broker?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("kafka-configs sets a key store, or reads the same file again, and clients trust what it holds", async () => {
    const plain = ["--bootstrap-server", `127.0.0.1:${broker.portOf("PLAINTEXT")}`];
    const node = ["--entity-type", "brokers", "--entity-name", "1"];
    const name = "listener.name.secure.ssl.keystore.location";
    const set = (file: string) =>
      peers.tool(CONFIGS, [...plain, "--alter", ...node, "--add-config", `${name}=${file}`]);
    const secure = ["--bootstrap-server", `127.0.0.1:${broker.portOf("SECURE")}`];
    const list = () =>
      peers.tool("org.apache.kafka.tools.TopicCommand", [
        ...secure,
        "--command-config",
        join(folder, "client"),
        "--list",
      ]);

    await expect(list()).rejects.toMatchObject(DISTRUST);
    await set(join(TLS, "worker.pem"));
    await list();
    expect(await peers.tool(CONFIGS, [...plain, "--describe", ...node])).toContain(
      `${name}=${join(TLS, "worker.pem")}`,
    );
    await expect(set(join(folder, "none.pem"))).rejects.toThrow(/none\.pem.*the file cannot be read/);
    await list();
    await set(join(folder, "listener.pem"));
    await expect(list()).rejects.toMatchObject(DISTRUST);
    copyFileSync(join(TLS, "worker.pem"), join(folder, "renewed.pem"));
    renameSync(join(folder, "renewed.pem"), join(folder, "listener.pem"));
    await set(join(folder, "listener.pem"));
    await list();
  });
});
