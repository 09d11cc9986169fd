import type { IncomingMessage, RequestListener } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { type Limits, RestServer } from "../../../src/http/server/rest-server.js";
import { RawHttp, sendRaw } from "../../support/raw-http.js";

const clock = new SystemClock();
const LISTENER = { scheme: "http", host: "127.0.0.1", port: 0 } as const;
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

let server: RestServer | undefined;

async function serving(app: RequestListener, limits?: Limits): Promise<RestServer & { readonly port: number }> {
  const endpoints = [{ listener: LISTENER, tls: undefined }];
  server = await RestServer.bind(endpoints, { property: "listeners", clock, ...(limits && { limits }) });
  server.serve(app);
  return Object.assign(server, { port: server.bound[0]!.boundPort });
}

afterEach(async () => {
  server?.cut();
  await server?.close();
});

const SHORT: Limits = { idleMs: 300, requestMs: 600_000, headerBytes: 8192, stopMs: 60_000, lingerMs: 300 };

test("headers above 8 KiB and bytes that are not HTTP are refused as JSON", async () => {
  const { port } = await serving((_request, response) => void response.end());
  const long = await sendRaw(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(9000)}\r\n\r\n`);
  expect(long).toMatch(
    /^HTTP\/1\.1 431 [\s\S]*\{"error_code":431,"message":"HTTP 431 Request Header Fields Too Large"\}$/,
  );
  expect(await sendRaw(port, "GARBAGE\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [\s\S]*\{"error_code":400,/);
  expect(await sendRaw(port, "GET / HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [\s\S]*\{"error_code":400,/);
  expect(await sendRaw(port, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200/);
  const fits = await sendRaw(port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${"a".repeat(7000)}\r\n\r\n`);
  expect(fits).toMatch(/^HTTP\/1\.1 200/);
});

test("a client that is refused and goes on to send reads why", async () => {
  const { port } = await serving((_request, response) => void response.end());
  const client = connect(port, "127.0.0.1").pause();
  const write = (bytes: string) =>
    new Promise<void>((written, failed) => client.write(bytes, (error) => (error ? failed(error) : written())));
  await write("GET / HTTP/1.1\r\nHost: x\r\nX: ");
  // More than fits into the buffers between the two, before it reads a byte.
  for (let i = 0; i < 32; i++) await write("a".repeat(512 * 1024));
  let answer = "";
  const ended = new Promise<void>((resolve) => client.on("data", (bytes) => (answer += bytes)).on("end", resolve));
  client.resume();
  await ended;
  client.destroy();
  expect(answer).toMatch(/^HTTP\/1\.1 431 [\s\S]*"error_code":431/);
});

test("a client that is refused and never ends is closed", async () => {
  const { port } = await serving((_request, response) => void response.end(), SHORT);
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const closed = new Promise((resolve) => client.on("error", () => {}).on("close", resolve));
  client.resume().write("GARBAGE\r\n\r\n");
  client.once("end", () => {
    const more = () => client.write("more", () => setImmediate(more));
    more();
  });
  await closed;
});

test("an idle connection is closed, before a request, within one and after its answer", async () => {
  const { port } = await serving((request, response) => void request.resume().on("end", () => response.end()), SHORT);
  expect(await new RawHttp(port).answer).toBe("");
  expect(await sendRaw(port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")).toBe("");
  expect(await sendRaw(port, GET)).toMatch(/^HTTP\/1\.1 200/);
});

test("a client that waits for an answer is not idle", async () => {
  const late: RequestListener = (request, response) => void request.socket.once("timeout", () => response.end("late"));
  const { port } = await serving(late, SHORT);
  expect(await sendRaw(port, GET)).toMatch(/^HTTP\/1\.1 200 [\s\S]*late/);
});

test("a stopping server accepts nothing more and answers what it has begun", async () => {
  const begun = deferred<() => void>();
  const stopping = await serving((_request, response) => begun.resolve(() => response.end("done")));
  const { port } = stopping;
  const client = new RawHttp(port).write(GET);
  const answer = await begun.promise;
  const closed = stopping.close();
  expect(await sendRaw(port, GET)).toBe("");
  answer();
  expect(await client.answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*done/);
  await closed;
});

test("a stopping server does not wait for requests that are still arriving", async () => {
  const arriving = deferred<IncomingMessage>();
  const stopping = await serving((request) => arriving.resolve(request));
  const client = new RawHttp(stopping.port).write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  await arriving.promise;
  await stopping.close();
  expect(await client.answer).toBe("");
});

test("an answer that does not come is cut after the time for stopping", async () => {
  const begun = deferred();
  const stopping = await serving(() => begun.resolve(), { ...SHORT, idleMs: 90_000, stopMs: 10 });
  const client = new RawHttp(stopping.port).write(GET);
  await begun.promise;
  await stopping.close();
  expect(await client.answer).toBe("");
});
