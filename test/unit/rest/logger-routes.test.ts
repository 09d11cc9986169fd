import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { type NamedLogger, silentLogger } from "../../../src/base/logger.js";
import { restApp } from "../../../src/rest/rest-app.js";
import { call } from "./call.js";
import { FakeHerder } from "./fake-herder.js";
import { FakeWorkers } from "./fake-workers.js";

describe("/admin/loggers", () => {
  let herder: FakeHerder;
  let warnings: unknown[];
  let send: (method: string, url: string, body?: string) => ReturnType<typeof call>;
  beforeEach(() => {
    herder = new FakeHerder();
    for (const name of ["org.x.b", "org.x.a", "org.y"]) herder.levels.add(name);
    warnings = [];
    const logger: NamedLogger = { ...silentLogger, warn: (_message, fields) => warnings.push(fields) };
    const metrics = { mediaType: "text/plain", text: async () => "" };
    const topics = { tracked: true, resettable: true };
    const access = { users: undefined, cors: undefined, headers: [] };
    const clock = new SimClock();
    const context = { herder, clock, http: new FakeWorkers(), logger, commit: "", metrics, access, topics };
    const app = restApp(context, { hasAdmin: true });
    send = (...request) => call(app, ...request);
  });

  test("lists the loggers by name", async () => {
    const { status, body } = await send("GET", "/admin/loggers");
    expect(status).toBe(200);
    expect(Object.keys(body as object)).toEqual(["org.x.a", "org.x.b", "org.y", "root"]);
    expect(body).toMatchObject({ "org.y": { level: "INFO", last_modified: null } });
  });

  test("sets a level on this worker and returns the changed loggers", async () => {
    expect(await send("PUT", "/admin/loggers/org.x", '{"level":"debug"}')).toMatchObject({
      status: 200,
      body: ["org.x", "org.x.a", "org.x.b"],
    });
    expect(await send("GET", "/admin/loggers/org.x.a")).toMatchObject({
      status: 200,
      body: { level: "DEBUG", last_modified: 1_000 },
    });
    expect(await send("PUT", "/admin/loggers/org.x?scope=Worker", '{"level":"DEBUG"}')).toMatchObject({ body: [] });
    expect(herder.calls).toEqual([]);
  });

  test.each(["cluster", "CLUSTER", "cluster&scope=worker"])(
    "leaves a level for scope=%s to the cluster",
    async (scope) => {
      const { status, body } = await send("PUT", `/admin/loggers/org.x?scope=${scope}`, '{"level":"debug"}');
      expect([status, body]).toEqual([204, ""]);
      expect(herder.calls).toEqual([["setClusterLogLevel", "org.x", "debug"]]);
      expect((await send("GET", "/admin/loggers/org.x.a")).body).toMatchObject({ level: "INFO" });
    },
  );

  test("takes an unknown scope as this worker, with a warning", async () => {
    expect(await send("PUT", "/admin/loggers/org.y?scope=all", '{"level":"warn"}')).toMatchObject({ body: ["org.y"] });
    expect(warnings).toEqual([{ scope: "all" }]);
  });

  test.each([
    ["PUT", "/admin/loggers/a", '{"level":"loud"}', 404, "invalid log level 'loud'."],
    ["PUT", "/admin/loggers/a", '{"level":5}', 404, "invalid log level '5'."],
    ["PUT", "/admin/loggers/a?scope=cluster", '{"level":"loud"}', 404, "invalid log level 'loud'."],
    ["PUT", "/admin/loggers/a", "{}", 400, "Desired 'level' parameter was not specified in request."],
    ["PUT", "/admin/loggers/a", '{"level":null}', 400, "Desired 'level' parameter was not specified in request."],
    ["PUT", "/admin/loggers/a", '{"level":""}', 400, "Desired 'level' parameter was not specified in request."],
    ["PUT", "/admin/loggers/a?scope=cluster", "{}", 400, "Desired 'level' parameter was not specified in request."],
    ["PUT", "/admin/loggers/a", '["INFO"]', 400, "Cannot deserialize value"],
    ["PUT", "/admin/loggers/a", '{"level":{"a":1}}', 400, "Cannot deserialize value"],
    ["PUT", "/admin/loggers/a", "{", 400, "The request body is not JSON"],
    ["PUT", "/admin/loggers/a", undefined, 400, "The request has no body"],
    ["GET", "/admin/loggers/none", undefined, 404, "Logger none not found."],
    ["PUT", "/admin/loggers/", '{"level":"info"}', 405, "HTTP 405 Method Not Allowed"],
    ["POST", "/admin/loggers", "{}", 405, "HTTP 405 Method Not Allowed"],
    ["DELETE", "/admin/loggers/root", undefined, 405, "HTTP 405 Method Not Allowed"],
    ["GET", "/admin", undefined, 404, "HTTP 404 Not Found"],
  ])("answers %s %s %s with %i", async (method, url, body, status, message) => {
    expect(await send(method, url, body)).toMatchObject({
      status,
      body: { error_code: status, message: expect.stringContaining(message) },
    });
    expect(herder.calls).toEqual([]);
    expect(herder.levels.one("a")).toBeUndefined();
  });
});
