import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Logger } from "../../../src/api/index.js";
import { silentLogger } from "../../../src/base/logger.js";
import { loadPlugins } from "../../../src/worker/plugins/load-plugins.js";

const folder = mkdtempSync(join(tmpdir(), "millrace-plugins-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plugin(name: string, file: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, file), text);
  return path;
}

const source = (className: string) =>
  `({ type: "source", className: "${className}", taskClassName: "T", version: "2", connector() {}, task() {} })`;

test("bundled connectors and converters are there, and those of plugin.path; a broken one is left out and told", async () => {
  plugin("many/one", "index.js", `module.exports = [${source("x.OneConnector")}, ${source("x.TwoConnector")}];`);
  plugin("many/three", "index.mjs", `export default ${source("x.ThreeConnector")};`);
  plugin("many/broken", "index.mjs", "export default {");
  plugin("many/empty", "index.mjs", "export const nothing = 1;");
  plugin("many/none", "readme.txt", "no plugin");
  const alone = plugin("alone", "index.mjs", `export default [${source("x.AloneConnector")}];`);
  const told: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (_message, fields) => told.push(String(fields?.["path"])),
    warn: (_message, fields) => told.push(String(fields?.["path"])),
  };
  const plugins = await loadPlugins(`${join(folder, "many")}, ${alone},${join(folder, "absent")}`, logger);
  const classes = plugins.list().map((info) => `${info.type} ${info.class} ${info.version}`);
  expect(classes).toEqual(
    expect.arrayContaining([
      "source x.OneConnector 2",
      "source x.TwoConnector 2",
      "source x.ThreeConnector 2",
      "source x.AloneConnector 2",
      "converter org.apache.kafka.connect.json.JsonConverter 4.3.1",
      "header_converter org.apache.kafka.connect.storage.SimpleHeaderConverter 4.3.1",
    ]),
  );
  for (const bundled of ["FileStreamSource", "FileStreamSink", "PostgresConnector", "S3Sink"])
    expect(plugins.connector(bundled).className).toContain(bundled);
  expect(told.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
    "absent",
    "many/broken/index.mjs",
    "many/empty/index.mjs",
  ]);
});
