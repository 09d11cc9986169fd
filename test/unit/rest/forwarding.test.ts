import { describe, expect, test } from "vitest";
import type { HttpAnswer } from "../../../src/base/http-client.js";
import { silentLogger } from "../../../src/base/logger.js";
import { MisdirectedError } from "../../../src/herder/misdirected-error.js";
import { type ForwardableRequest, forward } from "../../../src/rest/forwarding.js";
import { postTaskConfigs, putFence } from "../../../src/rest/worker-client.js";
import { FakeWorkers } from "./fake-workers.js";

const LEADER = new MisdirectedError("http://leader:8083/", "Creating a connector");

const REQUEST: ForwardableRequest = {
  method: "PUT",
  path: "/connectors/a%2Fb/config",
  query: {},
  body: Buffer.from("{}"),
  authorization: "Basic eA==",
  forward: undefined,
};

function answering(status: number, body: string): FakeWorkers {
  const workers = new FakeWorkers();
  workers.answer = (): HttpAnswer => ({ status, body: Buffer.from(body) });
  return workers;
}

const forwarded = (http: FakeWorkers, request = REQUEST) => forward(request, LEADER, { http, logger: silentLogger });

test("a request reaches the leader unchanged, and the client gets its answer", async () => {
  const http = answering(201, '{"name":"a/b"}');
  expect(await forwarded(http)).toEqual({ status: 201, body: { name: "a/b" } });
  expect(http.sent).toMatchObject([{ method: "PUT", timeoutMs: 90_000, body: REQUEST.body }]);
  expect(http.sent[0]!.url.href).toBe("http://leader:8083/connectors/a%2Fb/config?forward=true");
  expect(http.sent[0]!.headers).toMatchObject({ Authorization: "Basic eA==", "Content-Type": "application/json" });
  expect(await forwarded(answering(204, ""))).toEqual({ status: 204, body: undefined });
});

test("a server that does not answer, or is not a worker, is named", async () => {
  await expect(forwarded(new FakeWorkers())).rejects.toMatchObject({
    status: 500,
    message: "IO Error trying to forward REST request: http://leader:8083 did not answer",
  });
  await expect(forwarded(answering(502, "<html>Bad Gateway</html>"))).rejects.toMatchObject({
    status: 500,
    message: expect.stringContaining("http://leader:8083 answered 502 without JSON"),
  });
});

test("a request that was forwarded twice is not forwarded again", async () => {
  const http = answering(200, "{}");
  await expect(forwarded(http, { ...REQUEST, forward: false })).rejects.toMatchObject({ status: 409 });
  expect(http.sent).toEqual([]);
});

test("the signature of task configs covers the sent bytes; a refusal carries the leader's message", async () => {
  const http = answering(403, '{"error_code":403,"message":"Submitted signature does not match"}');
  const signed: Buffer[] = [];
  const sign = (body: Buffer) => {
    signed.push(body);
    return { algorithm: "HmacSHA256", signature: Buffer.from("mac") };
  };
  await expect(postTaskConfigs(http, "http://leader:8083/", "shop", [{ a: "1" }], 42, sign)).rejects.toThrow(
    "The leader at http://leader:8083/ answered 403 to the task configs of shop: Submitted signature does not match",
  );
  expect(http.sent[0]!.body).toBe(signed[0]);
  expect(http.sent[0]!.headers).toMatchObject({
    "X-Connect-Authorization": Buffer.from("mac").toString("base64"),
    "X-Connect-Request-Signature-Algorithm": "HmacSHA256",
    "X-Millrace-Config-Offset": "42",
  });
});

describe("a request to fence earlier tasks", () => {
  const sign = () => ({ algorithm: "HmacSHA256", signature: Buffer.from("mac") });
  const fence = (http: ReturnType<typeof answering>) => putFence(http, "http://leader:8083/", "a/b", sign);

  test("goes to the leader, signed over an empty body", async () => {
    const http = answering(204, "");
    const signed: Buffer[] = [];
    await putFence(http, "http://leader:8083/", "a/b", (body) => {
      signed.push(body);
      return sign();
    });
    expect(signed.map(({ length }) => length)).toEqual([0]);
    const [{ method, url, headers, body }] = http.sent as [(typeof http.sent)[0]];
    expect([method, url.pathname, body]).toEqual(["PUT", "/connectors/a%2Fb/fence", undefined]);
    expect(headers).toMatchObject({ "X-Connect-Authorization": Buffer.from("mac").toString("base64") });
  });

  test.each([
    [409, "RetriableError"],
    [500, "RetriableError"],
    [503, "RetriableError"],
    [403, "RetriableError"],
    [400, "ConfigError"],
    [404, "ConfigError"],
  ])("answered with %d is a %s with the leader's reason", async (status, name) => {
    const http = answering(status, `{"error_code":${status},"message":"not now"}`);
    await expect(fence(http)).rejects.toMatchObject({ name, message: expect.stringContaining("not now") });
  });
});
