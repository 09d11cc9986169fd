import { expect, test } from "vitest";
import { SimClock } from "../../../../../src/base/clock.js";
import type { HttpClient } from "../../../../../src/base/http-client.js";
import { JsonWebKeySource } from "../../../../../src/broker/security/oauth/json-web-key-source.js";

test("an error names the URL of the keys without what may be secret of it, and asks for all of it", async () => {
  const url = "https://ann:pass@login.example.test:8443/keys?apikey=key#part";
  const asked: string[] = [];
  const http: HttpClient = {
    send: (request) => {
      asked.push(request.url.href);
      return Promise.resolve({ status: 403, body: Buffer.alloc(0) });
    },
  };
  const source = new JsonWebKeySource(new URL(url), new SimClock(), http);
  await expect(source.read()).rejects.toThrow(
    /^The keys at https:\/\/login.example.test:8443\/keys cannot be read: the answer is 403$/,
  );
  expect(asked).toEqual([url]);
});
