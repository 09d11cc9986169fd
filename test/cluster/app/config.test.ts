import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readPropertiesFile } from "../../../src/app/properties-file.js";
import { SystemClock } from "../../../src/base/clock.js";
import { lineLogger } from "../../../src/base/log/line-logger.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { execute, startTestPostgres, withClient } from "../../support/postgres.js";
import { TestStack } from "../../support/stack.js";

const clock = new SystemClock();

interface ConnectorFile {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
}

function read(path: string): ConnectorFile {
  return JSON.parse(readFileSync(path, "utf8")) as ConnectorFile;
}

/** The command of a compose client on this machine, if there is one. */
function composeClient(): string[] | undefined {
  return [["docker", "compose"], ["docker-compose"]].find(
    ([file = "", ...args]) => spawnSync(file, [...args, "version"], { stdio: "ignore" }).status === 0,
  );
}

describe("config", () => {
  test.each(["postgres-source", "s3-sink"])(
    "the docker form of %s differs from the demo's only in addresses",
    (name) => {
      const demo = read(`config/demo/${name}.json`);
      const docker = read(`config/docker/${name}.json`);
      expect(Object.values(demo.config).every((value) => typeof value === "string")).toBe(true);
      const different = Object.keys({ ...demo.config, ...docker.config }).filter(
        (key) => demo.config[key] !== docker.config[key],
      );
      expect(different).toEqual(
        name === "s3-sink" ? ["store.url", "rotate.schedule.interval.ms"] : ["database.hostname"],
      );
    },
  );

  test("the demo's SQL makes 100,000 rows", async () => {
    const server = await startTestPostgres();
    try {
      await execute(
        server,
        readFileSync("config/demo/schema.sql", "utf8"),
        readFileSync("config/demo/rows.sql", "utf8"),
      );
      const counts = await withClient(server, (client) =>
        client.query(
          "select (select count(*)::int from shop.customers) c, (select count(*)::int from shop.orders) o, (select count(*)::int from shop.order_items) i",
        ),
      );
      expect(counts.rows[0]).toEqual({ c: 10_000, o: 30_000, i: 60_000 });
    } finally {
      await server.stop();
    }
  });

  test.each(["config/worker.properties", "config/docker/worker-1.properties", "config/docker/worker-2.properties"])(
    "%s starts a worker, without unknown keys",
    async (path) => {
      const lines: string[] = [];
      const logger = lineLogger((line) => lines.push(line), clock, new LogLevels("warn"), "test");
      const { "bootstrap.servers": _, ...file } = readPropertiesFile(path);
      const here = { listeners: "http://127.0.0.1:0", "rest.advertised.host.name": "127.0.0.1" };
      const stack = await TestStack.start({ props: { ...file, ...here }, logger });
      expect(lines).toEqual([]);
      await stack.close();
    },
  );

  const client = composeClient();
  if (!client) console.warn("docker-compose.yaml IS NOT CHECKED: no compose client here (Debian: docker-compose)");
  test.runIf(client)("a compose client accepts docker-compose.yaml", () => {
    const [file = "", ...args] = client ?? [];
    const { status, stderr } = spawnSync(file, [...args, "-f", "docker-compose.yaml", "config", "-q"], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
