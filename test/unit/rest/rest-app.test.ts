import { beforeEach, describe, expect, test } from "vitest";
import { ConfigError, RetriableError } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { LoopEndedError } from "../../../src/base/command-loop.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SignatureError } from "../../../src/herder/membership/signature-error.js";
import { MisdirectedError } from "../../../src/herder/misdirected-error.js";
import type { AccessRules } from "../../../src/http/access/access-rules.js";
import { parseCorsPolicy } from "../../../src/http/access/cors.js";
import { parseHeaderRules } from "../../../src/http/access/header-rules.js";
import { errorBody, statusOf } from "../../../src/rest/error-status.js";
import { HttpError } from "../../../src/rest/http-error.js";
import { adminApp, restApp } from "../../../src/rest/rest-app.js";
import { type Answer, call } from "./call.js";
import { FakeHerder } from "./fake-herder.js";
import { FakeWorkers } from "./fake-workers.js";

const metrics = { mediaType: "text/plain; version=0.0.4", text: async () => "up 1\n" };
let herder: FakeHerder;
let clock: SimClock;
let others: FakeWorkers;
let send: (method: string, url: string, body?: string | Buffer, headers?: Record<string, string>) => Promise<Answer>;

const TOPICS = { tracked: true, resettable: true };

const OPEN: AccessRules = { users: undefined, cors: undefined, headers: [] };

function serve(topics = TOPICS, access = OPEN): void {
  herder = new FakeHerder();
  clock = new SimClock();
  others = new FakeWorkers();
  const app = restApp({ ...contextOf(), access, topics }, { hasAdmin: true });
  send = (...request) => call(app, ...request);
}

function contextOf() {
  return { herder, clock, http: others, logger: silentLogger, commit: "0123456789abcdef", metrics };
}

beforeEach(() => serve());

describe("the answers", () => {
  test.each([
    ["GET", "/", 200, { version: "4.3.1", commit: "0123456789abcdef", kafka_cluster_id: "cluster" }],
    ["GET", "/connectors", 200, ["c", "no-status"]],
    ["GET", "/connectors/c/config", 200, { name: "c", "connector.class": "X" }],
    ["GET", "/connectors/c/tasks", 200, [{ id: { connector: "c", task: 0 }, config: { a: "1" } }]],
    [
      "GET",
      "/connectors/c/tasks/0/status",
      200,
      { id: 0, state: "FAILED", worker_id: "w:8083", version: null, trace: "boom" },
    ],
    ["GET", "/connectors/c/topics", 200, { c: { topics: ["t"] } }],
    ["PUT", "/connectors/c/topics/reset", 202, ""],
    ["PUT", "/connectors/c/pause", 202, ""],
    ["PUT", "/connectors/c/resume", 202, ""],
    ["PUT", "/connectors/c/stop", 204, ""],
    ["DELETE", "/connectors/c", 204, ""],
    ["POST", "/connectors/c/restart", 204, ""],
    ["POST", "/connectors/c/tasks/0/restart", 204, ""],
    ["GET", "/connectors/none", 404, { error_code: 404, message: "Connector none not found" }],
    ["GET", "/connectors/c/tasks/x/status", 404, { error_code: 404, message: "HTTP 404 Not Found" }],
    ["GET", "/connectors/c/tasks/2147483648/status", 404, { error_code: 404, message: "HTTP 404 Not Found" }],
    ["GET", "/Connectors", 404, { error_code: 404, message: "HTTP 404 Not Found" }],
    ["GET", "/connectors/", 200, ["c", "no-status"]],
    ["GET", "/nowhere", 404, { error_code: 404, message: "HTTP 404 Not Found" }],
    ["POST", "/connectors/c", 405, { error_code: 405, message: "HTTP 405 Method Not Allowed" }],
    ["PUT", "/connectors", 405, { error_code: 405, message: "HTTP 405 Method Not Allowed" }],
  ])("%s %s is %i", async (method, url, status, body) => {
    expect(await send(method, url)).toMatchObject({ status, body });
  });

  test("expand only requested parts, and leave out connectors without a status", async () => {
    const { info, status } = herder;
    expect((await send("GET", "/connectors?expand=status&expand=info")).body).toEqual({ c: { status, info } });
    expect((await send("GET", "/connectors?expand=info")).body).toMatchObject({ c: { info }, "no-status": {} });
    expect((await send("GET", "/connectors?expand=else")).body).toEqual({ c: {}, "no-status": {} });
  });

  test("expand a connector of any name", async () => {
    herder.connectors = () => ["__proto__", "c"];
    const { body } = await send("GET", "/connectors?expand=info");
    expect(Object.keys(body as object)).toEqual(["__proto__", "c"]);
  });

  test("keep 64-bit offsets exact", async () => {
    const answer = await send("GET", "/connectors/c/offsets");
    // Parsed by the caller, the number would be rounded, so this compares the text.
    expect(answer).toMatchObject({ status: 200, body: { offsets: [{ partition: { file: "f" } }] } });
    expect(JSON.stringify(answer.body)).toContain("1152921504606847");
  });

  test("list plugins by kind, connectors alone by default", async () => {
    const kinds = async (query: string) =>
      ((await send("GET", `/connector-plugins${query}`)).body as { type: string }[]).map(({ type }) => type);
    expect(await kinds("")).toEqual(["sink", "source"]);
    expect(await kinds("?connectorsOnly=false")).toEqual([
      "sink",
      "source",
      "transformation",
      "predicate",
      "converter",
      "header_converter",
    ]);
  });

  test.each([
    ["/connectors", "HEAD,POST,GET,OPTIONS"],
    ["/connectors/c", "HEAD,DELETE,GET,OPTIONS"],
    ["/connectors/c/config", "HEAD,GET,OPTIONS,PUT,PATCH"],
    ["/connectors/c/restart", "POST,OPTIONS"],
    ["/connectors/c/pause", "OPTIONS,PUT"],
  ])("list the methods of %s", async (path, methods) => {
    expect(await send("OPTIONS", path)).toMatchObject({
      status: 200,
      headers: { allow: methods, "content-type": "text/plain" },
      body: methods.replaceAll(",", ", "),
    });
  });

  test.each([
    ["text/plain", "text/plain"],
    ["application/json", "application/json"],
    ["image/png", "image/png"],
  ])("to OPTIONS have the type %s that was asked for", async (accept, type) => {
    const { headers, body } = await send("OPTIONS", "/connectors", undefined, { accept });
    expect(headers["content-type"]).toBe(type);
    expect(body).toBe(type === "text/plain" ? "HEAD, POST, GET, OPTIONS" : "");
  });

  test("are JSON without a charset, and name the server", async () => {
    for (const path of ["/connectors", "/connectors/none", "/nowhere"]) {
      const { headers } = await send("GET", path);
      expect(headers).toMatchObject({ "content-type": "application/json", server: "Millrace(9.9.9)" });
    }
  });

  test.each(["text/plain;version=0.0.4", "application/openmetrics-text", "application/json"])(
    "show the metrics as text to a client that accepts %s",
    async (accept) => {
      const { status, headers, text } = await send("GET", "/metrics", undefined, { accept });
      expect([status, headers["content-type"], text]).toEqual([200, "text/plain; version=0.0.4", "up 1\n"]);
    },
  );

  test("escape characters beyond the basic plane", async () => {
    herder.connectors = () => ["\u{1f642}\u00e4"];
    const app = restApp({ ...contextOf(), access: OPEN, topics: TOPICS }, { hasAdmin: true });
    expect((await call(app, "GET", "/connectors")).text).toBe('["\\uD83D\\uDE42\u00e4"]');
  });

  test.each([
    ["text/html", 406],
    ["x", 406],
    ["text/plain, text/html", 406],
    ["application/vnd.api+json", 406],
    ["text/html, application/json;q=0.5", 200],
    ["application/json;q=0", 200],
    ["application/*", 200],
    ["*/*;q=0.1", 200],
    ["", 200],
  ])("that accept %j are answered %i", async (accept, status) => {
    expect((await send("GET", "/connectors", undefined, { accept })).status).toBe(status);
  });

  test("to a path or method that does not exist come before those to a media type", async () => {
    expect((await send("GET", "/nowhere", undefined, { accept: "text/html" })).status).toBe(404);
    expect((await send("PUT", "/connectors", undefined, { "content-type": "text/plain" })).status).toBe(405);
    const both = { "content-type": "text/plain", accept: "text/html" };
    expect((await send("GET", "/connectors", undefined, both)).status).toBe(415);
  });
});

describe("a created connector", () => {
  test("is returned with its address, under any name", async () => {
    const answer = await send(
      "POST",
      "/connectors",
      '{"name":" a/b{c} ","config":{"tasks.max":1,"x":1.0,"y":true,"z":null}}',
    );
    expect(answer).toMatchObject({ status: 201, headers: { location: "http://worker:8083/connectors/a%2Fb%7Bc%7D" } });
    expect(herder.calls).toEqual([["create", "a/b{c}", { "tasks.max": "1", x: "1.0", y: "true", z: null }, undefined]]);
  });

  test.each([
    ["sp ace", "sp%20ace"],
    ["q?x#y&z=;:@+,!$'()*", "q%3Fx%23y&z=;:@+,!$'()*"],
    ["\u00e4\u{1f642}", "%C3%A4%F0%9F%99%82"],
    ["50%25", "50%2525"],
  ])("%s has the address %s", async (name, address) => {
    const { headers } = await send("POST", "/connectors", JSON.stringify({ name, config: {} }));
    expect(headers["location"]).toBe(`http://worker:8083/connectors/${address}`);
  });

  test.each([
    ["RUNNING", "STARTED"],
    ["paused", "PAUSED"],
    ["Stopped", "STOPPED"],
  ])("starts as %s", async (initial, state) => {
    await send("POST", "/connectors", JSON.stringify({ name: "n", config: {}, initial_state: initial }));
    expect(herder.calls[0]?.[3]).toBe(state);
  });

  test("is 409 if it exists already, 201 or 200 by PUT", async () => {
    expect(await send("POST", "/connectors", '{"name":"c","config":{}}')).toMatchObject({
      status: 409,
      body: { error_code: 409, message: "Connector c already exists" },
    });
    expect(await send("PUT", "/connectors/new/config", "{}")).toMatchObject({
      status: 201,
      headers: { location: "http://worker:8083/connectors/new" },
    });
    expect((await send("PUT", "/connectors/c/config", "{}")).status).toBe(200);
    expect((await send("PATCH", "/connectors/c/config", '{"a":null}')).status).toBe(200);
    expect(herder.calls.at(-1)).toEqual(["patchConfig", "c", { a: null }]);
  });

  test("is named by the decoded path", async () => {
    for (const [path, name] of [
      ["a%2Fb", "a/b"],
      ["100%25", "100%"],
      ["%C3%A4%20b", "ä b"],
      ["a%5Cb", "a\\b"],
    ]) {
      await send("DELETE", `/connectors/${path}`);
      expect(herder.calls.at(-1)).toEqual(["remove", name]);
    }
    expect(await send("GET", "/connectors/%zz")).toMatchObject({ status: 400, body: { error_code: 400 } });
  });
});

describe("a restart", () => {
  test("takes its flags; every value but true is false", async () => {
    expect(await send("POST", "/connectors/c/restart?includeTasks=true&onlyFailed=TRUE")).toMatchObject({
      status: 202,
      body: herder.status,
    });
    expect(herder.calls.at(-1)).toEqual(["requestRestart", { connector: "c", includeTasks: true, onlyFailed: true }]);
    for (const query of ["includeTasks=x", "includeTasks=", "includeTasks", "includeTasks=false&includeTasks=true"]) {
      expect((await send("POST", `/connectors/c/restart?${query}`)).status).toBe(204);
      expect(herder.calls.at(-1)).toEqual(["restartConnector", "c"]);
    }
    expect((await send("POST", "/connectors/c/restart?includeTasks=true&includeTasks=false")).status).toBe(202);
  });
});

describe("a body", () => {
  test("must have the media type of JSON", async () => {
    for (const headers of [{ "content-type": "text/plain" }, {}]) {
      expect(await send("POST", "/connectors", "{}", headers as Record<string, string>)).toMatchObject({
        status: 415,
        body: { error_code: 415, message: "HTTP 415 Unsupported Media Type" },
      });
    }
    const charset = { "content-type": "application/json; charset=utf-8" };
    expect((await send("PUT", "/connectors/c/config", "{}", charset)).status).toBe(200);
  });

  test("that is compressed or too large is refused", async () => {
    const zipped = { "content-type": "application/json", "content-encoding": "gzip" };
    expect((await send("PUT", "/connectors/c/config", "{}", zipped)).status).toBe(415);
    expect(await send("PUT", "/connectors/c/config", " ".repeat(10 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { error_code: 413, message: "The request body is larger than 10 MiB" },
    });
  });

  test("of a request that needs none must be JSON by its type, and is not read", async () => {
    expect((await send("PUT", "/connectors/c/pause", "x", { "content-type": "text/plain" })).status).toBe(415);
    expect((await send("PUT", "/connectors/c/pause", "x")).status).toBe(202);
  });

  test("may contain a key twice: the last one counts", async () => {
    await send("PUT", "/connectors/c/config", '{"a":"1","a":"2"}');
    expect(herder.calls.at(-1)).toEqual(["putConfig", "c", { a: "2" }]);
  });

  test("that is not JSON is refused with the position, without quoting it", async () => {
    for (const [body, place] of [
      ["hunter2", "line 1, column 1 on"],
      ['{"name":"n",\n "config":{"password": hunter2}}', "line 2, column 24 on"],
      ['{"password":"hunter2"', "ends too early"],
      [`${"[".repeat(100_000)}${"]".repeat(100_000)}`, "nested too deeply"],
    ] as const) {
      const answer = await send("POST", "/connectors", body);
      expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(place) } });
      expect(JSON.stringify(answer.body)).not.toContain("hunter");
    }
  });

  test("may begin with a byte order mark", async () => {
    await send("PUT", "/connectors/c/config", '\ufeff{"a":"1"}');
    expect(herder.calls.at(-1)).toEqual(["putConfig", "c", { a: "1" }]);
  });

  test("that is not UTF-8 is refused, not stored with other characters", async () => {
    const latin1 = Buffer.from('{"a":"caf\u00e9"}', "latin1");
    const answer = await send("PUT", "/connectors/c/config", latin1);
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining("UTF-8") } });
    expect(herder.calls).toEqual([]);
  });

  test("keeps a key __proto__", async () => {
    await send("PUT", "/connectors/c/config", '{"__proto__":"1","a":2}');
    expect(Object.entries(herder.calls.at(-1)?.[2] as object)).toEqual([
      ["__proto__", "1"],
      ["a", "2"],
    ]);
  });

  test("of another worker reaches the herder with its bytes and signature", async () => {
    await send("POST", "/connectors/c/tasks", '[{"a":"1"}]', {
      "content-type": "application/json",
      "x-connect-authorization": "c2ln",
      "x-connect-request-signature-algorithm": "HmacSHA256",
    });
    expect(herder.calls).toEqual([
      [
        "publishTaskConfigs",
        "c",
        [{ a: "1" }],
        '[{"a":"1"}]',
        { algorithm: "HmacSHA256", signature: Buffer.from("sig") },
      ],
    ]);
  });

  test("of a validation may leave out the class, which is in the path", async () => {
    await send("PUT", "/connector-plugins/FileStreamSource/config/validate", '{"topic":"t"}');
    expect(herder.calls.at(-1)).toEqual(["validate", { topic: "t", "connector.class": "FileStreamSource" }]);
    const named = '{"connector.class":"org.apache.kafka.connect.file.FileStreamSourceConnector"}';
    expect((await send("PUT", "/connector-plugins/FileStreamSource/config/validate", named)).status).toBe(200);
    expect((await send("PUT", "/connector-plugins/FileStreamSink/config/validate", named)).status).toBe(400);
  });
});

describe("access", () => {
  const users = [{ flag: "required", users: new Map([["ann", "p:w"]]) }] as const;
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  const as = (text: string) => (method: string, url: string) => send(method, url, undefined, basic(text));

  test("needs a user for every route and every method, but not for what does not exist", async () => {
    serve(TOPICS, { ...OPEN, users });
    for (const [method, url] of [
      ["GET", "/"],
      ["GET", "/health"],
      ["OPTIONS", "/connectors"],
      ["PUT", "/connectors/c/pause"],
      ["GET", "/connectors/c/tasks"],
    ] as const) {
      expect(await send(method, url)).toMatchObject({
        status: 401,
        body: { error_code: 401, message: "User cannot access the resource." },
      });
      expect((await as("ann:wrong")(method, url)).status).toBe(401);
      expect((await as("ann:p:w")(method, url)).status).toBeLessThan(300);
    }
    expect((await send("GET", "/nowhere")).status).toBe(404);
    expect((await send("PUT", "/connectors")).status).toBe(405);
  });

  test("of other workers needs a signature instead", async () => {
    serve(TOPICS, { ...OPEN, users });
    expect((await send("POST", "/connectors/c/tasks", "[]")).status).toBe(204);
  });

  test("is refused before the body is read", async () => {
    serve(TOPICS, { ...OPEN, users });
    expect((await send("PUT", "/connectors/c/config", "x".repeat(11 * 1024 * 1024))).status).toBe(401);
  });

  test("adds its headers to every answer, refusals included", async () => {
    serve(TOPICS, {
      users,
      cors: parseCorsPolicy("http://a.example", ""),
      headers: parseHeaderRules("set X-Frame-Options:DENY, add Cache-Control:no-store"),
    });
    for (const url of ["/", "/nowhere"]) {
      const { headers } = await send("GET", url, undefined, { origin: "http://a.example" });
      expect(headers).toMatchObject({
        vary: "Origin",
        "access-control-allow-origin": "http://a.example",
        "x-frame-options": "DENY",
        "cache-control": "no-store",
      });
    }
  });

  test("answers the preflight of an allowed page without a user, and nothing else", async () => {
    const access = { users, cors: parseCorsPolicy("http://a.example", "GET,PUT"), headers: [] };
    serve(TOPICS, access);
    const preflight = (origin: string, requested?: string) => {
      const asked = requested === undefined ? {} : { "access-control-request-method": requested };
      return send("OPTIONS", "/connectors", undefined, { origin, ...asked });
    };
    const { status, headers } = await preflight("http://a.example", "PUT");
    expect({ status, headers }).toMatchObject({
      status: 200,
      headers: {
        "access-control-allow-origin": "http://a.example",
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "Content-Type,Authorization",
      },
    });
    expect((await preflight("http://evil.example", "PUT")).status).toBe(401);
    expect((await preflight("http://a.example")).status).toBe(401);
    const app = adminApp({ ...contextOf(), access, topics: TOPICS });
    const asked = { origin: "http://a.example", "access-control-request-method": "PUT" };
    expect((await call(app, "OPTIONS", "/admin/loggers", undefined, asked)).status).toBe(401);
  });

  test("to the listeners of /admin alone shows no other path", async () => {
    const app = adminApp({ ...contextOf(), access: OPEN, topics: TOPICS });
    for (const url of ["/", "/connectors", "/health"]) expect((await call(app, "GET", url)).status).toBe(404);
  });
});

describe("a request that waits", () => {
  const waiting = async (advanceMs: number, answer: Promise<Answer>) => {
    await clock.advance(advanceMs);
    return answer;
  };

  test("is answered after 90 s with the herder's stage", async () => {
    herder.obstacle = new Promise(() => {});
    const startedMs = Date.UTC(2026, 0, 2, 3, 4, 5);
    herder.stage = { description: "writing a config", startedMs, completedMs: undefined };
    const pending = send("DELETE", "/connectors/c");
    await clock.settled();
    expect(await waiting(90_000, pending)).toMatchObject({
      status: 500,
      body: {
        error_code: 500,
        message: "Request timed out. The worker is currently writing a config, which began at 2026-01-02T03:04:05.000Z",
      },
    });
    expect(clock.pendingTimers).toBe(0);
  });

  test("waits for the topics to have been read", async () => {
    let load: () => void = () => {};
    herder.loaded = new Promise((resolve) => {
      load = resolve;
    });
    const pending = send("GET", "/connectors");
    await clock.settled();
    load();
    expect((await pending).status).toBe(200);
  });

  test("for health is answered after 10 s: starting before it was ready, unhealthy after", async () => {
    const health = async () => {
      const pending = send("GET", "/health");
      await clock.settled();
      return waiting(10_000, pending);
    };
    herder.obstacle = new Promise(() => {});
    herder.ready = false;
    expect(await health()).toMatchObject({
      status: 503,
      body: { status: "starting", message: "Worker is still starting up." },
    });
    herder.obstacle = undefined;
    expect(await health()).toMatchObject({ status: 503, body: { status: "starting" } });
    // No request arrived since: the herder itself knows whether it was ready.
    herder.ready = true;
    herder.obstacle = new Promise(() => {});
    expect(await health()).toMatchObject({ status: 500, body: { status: "unhealthy" } });
    herder.obstacle = undefined;
    expect(await health()).toMatchObject({
      status: 200,
      body: { status: "healthy", message: "Worker has completed startup and is ready to handle requests." },
    });
  });
});

describe("topics", () => {
  test("are not shown when they are not tracked", async () => {
    serve({ tracked: false, resettable: true });
    expect(await send("GET", "/connectors/c/topics")).toMatchObject({
      status: 403,
      body: { message: "Topic tracking is disabled." },
    });
    serve({ tracked: true, resettable: false });
    expect(await send("PUT", "/connectors/c/topics/reset")).toMatchObject({
      status: 403,
      body: { message: "Topic tracking reset is disabled." },
    });
  });
});

describe("the status of an error", () => {
  test.each([
    [new ConfigError("k", "bad"), 400],
    [new MisdirectedError(undefined, "x"), 409],
    [new SignatureError("missing", "x"), 400],
    [new SignatureError("algorithm", "x"), 400],
    [new SignatureError("no-key", "x"), 503],
    [new SignatureError("wrong", "x"), 403],
    [new RetriableError("STORE_UNWRITABLE", "x"), 500],
    [new HttpError(418, "x"), 418],
    [new Error("x"), 500],
    [Object.assign(new Error("too large"), { status: 413 }), 413],
    ["text", 500],
  ])("%s is %i", (error, status) => {
    expect(statusOf(error)).toBe(status);
    expect(errorBody(error).error_code).toBe(status);
  });

  test("a worker that shuts down says so", () => {
    expect(errorBody(new LoopEndedError("x"))).toEqual({ error_code: 500, message: "Worker is shutting down" });
  });

  test("reaches the client with the error's message, and without its stack", async () => {
    herder.obstacle = Promise.reject(new ConfigError("k", "k is wrong: make it right"));
    expect(await send("PUT", "/connectors/c/config", "{}")).toMatchObject({
      status: 400,
      body: { error_code: 400, message: "k is wrong: make it right" },
    });
    herder.obstacle = Promise.reject(new MisdirectedError(undefined, "x"));
    expect(await send("PUT", "/connectors/c/stop")).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining("no known leader URL") },
    });
    herder.obstacle = Promise.reject(new MisdirectedError("http://leader:8083/", "x"));
    expect(await send("PUT", "/connectors/c/stop?forward=false")).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining("conflicting operation") },
    });
  });
});
