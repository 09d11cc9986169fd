import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import filePlugins from "../../../connectors/file/index.js";
import postgresPlugins from "../../../connectors/postgres/index.js";
import s3Plugins from "../../../connectors/s3/index.js";
import type { ConnectorPlugin, SinkPlugin, SourcePlugin } from "../../../src/api/index.js";
import type { PostgresServer } from "../../../src/emulators/postgres/postgres-server.js";
import { conformance } from "../../../src/testing/index.js";
import { listKeys, readObject, startTestObjectStore, TEST_CREDENTIALS } from "../../support/object-store.js";
import { startTestPostgres } from "../../support/postgres.js";
import { SINK_PROPS } from "../../unit/connectors/s3/sink-driver.js";
import { freshDatabase } from "./postgres/test-database.js";

// The bundled connectors pass the checks for plugins. The limit is ten seconds, as the machine may be busy.

const stopWithinMs = 10_000;
const sourceOf = (plugins: readonly ConnectorPlugin[]) => plugins.find(({ type }) => type === "source") as SourcePlugin;
const sinkOf = (plugins: readonly ConnectorPlugin[]) => plugins.find(({ type }) => type === "sink") as SinkPlugin;

function tempFile() {
  const folder = mkdtempSync(join(tmpdir(), "millrace-conformance-"));
  const path = join(folder, "lines.txt");
  writeFileSync(path, "");
  return { path, cleanUp: async () => rmSync(folder, { recursive: true, force: true }) };
}

describe("file", () => {
  const checks = [
    ...conformance(sourceOf(filePlugins), async () => {
      const { path, cleanUp } = tempFile();
      return {
        props: { file: path, topic: "lines" },
        refused: { topic: "", "batch.size": "many" },
        stopWithinMs,
        grow: async (count) => appendFileSync(path, "line\n".repeat(count)),
        cleanUp,
      };
    }),
    ...conformance(sinkOf(filePlugins), async () => {
      const { path, cleanUp } = tempFile();
      const delivered = async () => readFileSync(path, "utf8").split("\n");
      return { props: { file: path }, refused: {}, stopWithinMs, delivered, cleanUp };
    }),
  ];
  for (const { name, run } of checks) test(name, run);
});

describe("S3", () => {
  const checks = conformance(sinkOf(s3Plugins), async () => {
    const { store, client, stop } = await startTestObjectStore({ buckets: ["lake"] });
    return {
      props: {
        ...SINK_PROPS,
        topics: "conformance",
        "store.url": store.endpoint,
        "s3.region": "us-east-1",
        "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
        "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
      },
      refused: { "s3.bucket.name": null, "flush.size": "many", "s3.part.size": "1" },
      stopWithinMs,
      delivered: async () => {
        const keys = await listKeys(client, "lake");
        return Promise.all(keys.map(async (key) => String(await readObject(client, "lake", key))));
      },
      cleanUp: async () => stop(),
    };
  });
  for (const { name, run } of checks) test(name, run);
});

describe("Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startTestPostgres();
  });
  afterAll(() => server?.stop());

  const checks = conformance(sourceOf(postgresPlugins), async () => {
    const db = await freshDatabase(server);
    await db.execute("CREATE TABLE t(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
    const first = await db.stream(); // creates slot and publication: later rows are streamed
    await first.stop();
    return {
      props: db.props({ "snapshot.mode": "no_data" }),
      refused: { "topic.prefix": null, "database.hostname": null, "snapshot.mode": "sometimes" },
      stopWithinMs,
      grow: async (count) => {
        for (let left = count; left > 0; left--) await db.execute("INSERT INTO t DEFAULT VALUES");
      },
    };
  });
  for (const { name, run } of checks) test(name, run);
});
