import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../../src/api/error-code.js";
import { BROKER_KEYS } from "../../src/broker/broker-properties.js";
import { HANDLERS } from "../../src/broker/handlers/handler-table.js";
import { TOPIC_CONFIG_KEYS } from "../../src/broker/topics/config-keys.js";
import { autoRestartConfigDef } from "../../src/herder/config/auto-restart-config.js";
import { distributedConfigDef } from "../../src/herder/config/distributed-config.js";
import { standaloneConfigDef } from "../../src/herder/config/standalone-config.js";
import { WITHOUT_EFFECT } from "../../src/herder/config/worker-keys.js";
import { WORKER_METRICS } from "../../src/metrics/worker-metrics.js";
import { registryConfigDef } from "../../src/registry/registry-config.js";
import { openApiDocument } from "../../src/rest/openapi/openapi-document.js";
import { workerConfigDef } from "../../src/worker/worker-config.js";
import { bundledConnectors } from "./connectors.js";
import {
  brokerDocument,
  brokerPropertyDocument,
  connectorDocument,
  errorDocument,
  metricsDocument,
  registryPropertyDocument,
  workerDocument,
} from "./documents.js";

// `npm run docs` writes the generated files; `npm run check` fails if they differ.
describe("the documents agree with the code", async () => {
  const connectors = await bundledConnectors();
  const document = (path: string) => `../../docs/${path}`;

  test("docs/errors.md", async () => {
    await expect(errorDocument(ERROR_CODES, connectors)).toMatchFileSnapshot(document("errors.md"));
  });

  test.each([...connectors])("docs/connectors/%s.md", async (name, plugins) => {
    await expect(connectorDocument(name, plugins)).toMatchFileSnapshot(document(`connectors/${name}.md`));
  });

  test("docs/worker.md", async () => {
    const served = { ...distributedConfigDef, ...standaloneConfigDef, ...workerConfigDef };
    await expect(workerDocument(served, autoRestartConfigDef, WITHOUT_EFFECT)).toMatchFileSnapshot(
      document("worker.md"),
    );
  });

  test("docs/registry-properties.md", async () => {
    await expect(registryPropertyDocument(registryConfigDef)).toMatchFileSnapshot(document("registry-properties.md"));
  });

  test("docs/openapi.json", async () => {
    const text = `${JSON.stringify(openApiDocument(), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(document("openapi.json"));
  });

  test("docs/metrics.md", async () => {
    await expect(metricsDocument(WORKER_METRICS)).toMatchFileSnapshot(document("metrics.md"));
  });

  test("docs/broker-apis.md", async () => {
    await expect(brokerDocument(HANDLERS)).toMatchFileSnapshot(document("broker-apis.md"));
  });

  test("docs/broker-properties.md", async () => {
    const text = brokerPropertyDocument(BROKER_KEYS, TOPIC_CONFIG_KEYS);
    await expect(text).toMatchFileSnapshot(document("broker-properties.md"));
  });

  test("docs/connect-tests.md names tests that exist", () => {
    const text = readFileSync(fileURLToPath(new URL("../../docs/connect-tests.md", import.meta.url)), "utf8");
    const named = [...text.matchAll(/`((?:unit|cluster|long|kill|external|support)\/[\w./-]+)`/g)].map(
      ([, path]) => path!,
    );
    expect(named.length).toBeGreaterThan(40);
    const isThere = (path: string) =>
      ["", ".test.ts", ".ts"].some((end) => existsSync(fileURLToPath(new URL(`../${path}${end}`, import.meta.url))));
    expect(named.filter((path) => !isThere(path))).toEqual([]);
  });
});
