import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TcpProxy } from "../../support/tcp-proxy.js";

let echo: Server;
let proxy: TcpProxy;
const sockets: Socket[] = [];
/** Called with what the server has read. */
let hear: (text: string) => void;

beforeEach(async () => {
  hear = () => {};
  echo = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => hear(String(chunk)));
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await TcpProxy.start({ host: "127.0.0.1", port: (echo.address() as AddressInfo).port });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host);
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

/** Sends `text` and returns as many bytes of the echo. */
async function ask(socket: Socket, text: string): Promise<string> {
  let answer = "";
  socket.write(text);
  while (answer.length < text.length) answer += String((await once(socket, "data"))[0]);
  return answer;
}

test("passes bytes both ways in order, delayed on request", async () => {
  const socket = await open();
  expect(await ask(socket, "hello")).toBe("hello");
  proxy.setMode({ kind: "latency", delayMs: 30 });
  const startMs = performance.now();
  const late = ask(socket, "late");
  expect(await late).toBe("late");
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(55);
});

test("a reset is seen as one, and the next connection works", async () => {
  const socket = await open();
  expect(await ask(socket, "hello")).toBe("hello");
  const failed = once(socket, "error");
  proxy.reset();
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  expect(await ask(await open(), "again")).toBe("again");
});

test("refused connections are reset until accepted again", async () => {
  proxy.refuse();
  const socket = connect(proxy.port, proxy.host);
  sockets.push(socket);
  expect((await once(socket, "error"))[0]).toMatchObject({ code: "ECONNRESET" });
  proxy.accept();
  expect(await ask(await open(), "again")).toBe("again");
});

test("held bytes arrive in order once they may pass, even those of a client that has gone", async () => {
  const [stays, goes] = [await open(), await open()];
  expect(await ask(stays, "hello")).toBe("hello");
  expect(await ask(goes, "hello")).toBe("hello");
  const heard: string[] = [];
  const lastWords = new Promise<void>((resolve) => {
    hear = (text) => {
      heard.push(text);
      if (text === "last words") resolve();
    };
  });
  proxy.setMode({ kind: "hold" });
  const late = ask(stays, "late");
  await once(goes.end("last words"), "finish");
  goes.destroy();
  // A new connection is made meanwhile, but nothing passes.
  await open();
  expect(heard).toEqual([]);
  proxy.setMode({ kind: "pass" });
  expect(await late).toBe("late");
  await lastWords;
});

test("a blackhole drops bytes and keeps the connection", async () => {
  const other = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true });
  sockets.push(other);
  expect(await ask(other, "hello")).toBe("hello");
  proxy.setMode({ kind: "blackhole" });
  const got: string[] = [];
  other.on("data", (chunk) => got.push(String(chunk)));
  other.write("lost");
  const ended = once(other, "end");
  proxy.halfClose();
  await ended;
  expect(got).toEqual([]);
  expect(proxy.connections).toBe(1);
});

test("a half-closed connection is read to its end by the client", async () => {
  const socket = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true });
  sockets.push(socket);
  expect(await ask(socket, "hello")).toBe("hello");
  const ended = once(socket, "end");
  socket.resume();
  proxy.halfClose();
  await ended;
  expect(socket.writable).toBe(true);
});
