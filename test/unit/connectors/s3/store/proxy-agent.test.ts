import { once } from "node:events";
import { get } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { agentsThrough } from "../../../../../connectors/s3/store/proxy-agent.js";

test("a proxy that never answers is given up, and its connection closed", async () => {
  const closed: Promise<unknown>[] = [];
  const proxy = createServer((socket: Socket) => {
    socket.resume();
    closed.push(once(socket, "close"));
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { httpAgent } = agentsThrough({ url, user: "u", password: undefined }, {}, 1);
  const request = get({ host: "store", port: 80, agent: httpAgent });
  const [error] = (await once(request, "error")) as [Error];
  expect(error.message).toBe(`the proxy ${url} (s3.proxy.url) does not answer CONNECT within 1 ms`);
  await Promise.all(closed);
  proxy.close();
});
