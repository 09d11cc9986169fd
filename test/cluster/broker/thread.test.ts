import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BrokerThreadOptions } from "../../../src/broker/start-broker-thread.js";
import { describeCluster } from "../../../src/protocol/apis/describe-cluster.js";
import { BrokerClient } from "../../support/broker-client.js";

// A thread only runs compiled code, so its starter is imported from dist, too.
const { startBrokerThread } = (await import(
  new URL("../../../dist/src/broker/start-broker-thread.js", import.meta.url).href
)) as typeof import("../../../src/broker/start-broker-thread.js");

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "millrace-broker-"));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const options = (listen: string, logSink: (line: string) => void = () => undefined): BrokerThreadOptions => {
  return { dataDir, listen, logLevel: "info", logSink };
};

test("a broker in its own thread serves, logs through its starter and stops cleanly", async () => {
  const lines: string[] = [];
  const thread = await startBrokerThread(options("127.0.0.1:0", (line) => lines.push(line)));
  const client = await BrokerClient.connect(thread.port);
  const cluster = await client.request(describeCluster, 0, { includeClusterAuthorizedOperations: false });
  expect(cluster.clusterId).toBe(thread.clusterId);
  client.close();
  await thread.close();
  await thread.ended;
  expect(lines.some((line) => line.includes("Broker serves"))).toBe(true);
});

test("a failed start is reported as one error, and releases the folder", async () => {
  const thread = await startBrokerThread(options("127.0.0.1:0"));
  await expect(startBrokerThread(options("127.0.0.1:0"))).rejects.toMatchObject({ failure: "DataFolderLockedError" });
  await thread.close();
  await expect(startBrokerThread(options("nowhere"))).rejects.toMatchObject({ failure: "EndpointError" });
  const again = await startBrokerThread(options("127.0.0.1:0"));
  expect(again.clusterId).toBe(thread.clusterId);
  await again.close();
});
