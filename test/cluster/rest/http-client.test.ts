import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { SystemHttpClient } from "../../../src/base/http-client.js";

const GET = { method: "GET", headers: {}, timeoutMs: 90_000 };

async function serving(listener: RequestListener, use: (url: URL) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  const bound = deferred();
  server.listen(0, "127.0.0.1", bound.resolve);
  await bound.promise;
  await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  server.closeAllConnections();
  server.close();
}

test("an answer is its status and its bytes, even a redirect", async () => {
  const answer: RequestListener = (_request, response) => void response.writeHead(307, { location: "/x" }).end("ab");
  await serving(answer, async (url) => {
    const clock = new SimClock();
    expect(await new SystemHttpClient(clock).send({ ...GET, url })).toEqual({ status: 307, body: Buffer.from("ab") });
    expect(clock.pendingTimers).toBe(0);
  });
});

test("a request times out by the clock, even in the middle of its answer", async () => {
  const begun = deferred();
  const stalling: RequestListener = (_request, response) => {
    response.write("half");
    begun.resolve();
  };
  await serving(stalling, async (url) => {
    const clock = new SimClock();
    const refused = expect(new SystemHttpClient(clock).send({ ...GET, url })).rejects.toThrow(
      `${url.origin} did not answer within 90000 ms`,
    );
    await begun.promise;
    await clock.advance(90_000);
    await refused;
  });
});
