import type { Random } from "../../src/base/random.js";
import { PATHS } from "../../src/contract/rest-api.js";

/** One request as bytes, the way they are sent, and whether the server must answer them. */
export interface RandomRequest {
  /** In the order in which they are sent, each after the one before has left. */
  readonly pieces: readonly Buffer[];
  /** The client destroys the connection afterwards, without waiting for an answer. */
  readonly hangsUp: boolean;
  /** The first line, for messages. */
  readonly label: string;
}

const METHODS = ["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "LINK", "get", "FOO", ""];
const NAMES = [
  "c0",
  "c1",
  "none",
  "a%2Fb",
  "%zz",
  "%ff",
  "..",
  "%00",
  "%0A",
  "x".repeat(300),
  "%F0%9F%99%82",
  "__proto__",
];
const TASKS = ["0", "1", "-1", "x", "99999999999", "+0", "0x1", ""];
const TYPES = ["application/json", "application/json", "application/json; charset=utf-8", "text/plain", "garbage", ""];
const VALUES = [
  "name",
  "connector.class",
  "FileStreamSource",
  "FileStreamSink",
  "topics",
  "tasks.max",
  "__proto__",
  "\u0000",
  "\ud800",
  ["$", "{env:HOME}"].join(""),
  "transforms",
  "x".repeat(2000),
  "STOPPED",
  "offsets",
  "level",
];

/** Draws a request: of any method, path, headers and body, whole or broken, at once or in pieces. */
export function randomRequest(random: Random): RandomRequest {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const chance = (share: number) => random.next() < share;
  if (chance(0.03)) return goodRequest();
  const path = randomPath();
  const method = pick(METHODS);
  const body = chance(0.6) ? randomBody() : Buffer.alloc(0);
  const type = pick(TYPES);
  const isChunked = body.length > 0 && chance(0.2);
  const declared = chance(0.05) ? random.integer(2 * body.length + 3) : body.length;
  const headers = [
    ...(chance(0.95) ? ["Host: worker"] : []),
    ...(type && chance(0.8) ? [`Content-Type: ${type}`] : []),
    ...(isChunked
      ? ["Transfer-Encoding: chunked"]
      : body.length > 0 || chance(0.3)
        ? [`Content-Length: ${declared}`]
        : []),
    ...(chance(0.2) ? [`Accept: ${pick(["*/*", "text/html", "application/json;q=0.1", ",,;", "x/y;q=abc"])}`] : []),
    ...(chance(0.05) ? [`X-Long: ${"h".repeat(random.integer(12_000))}`] : []),
    ...(chance(0.05) ? [`Authorization: Basic ${random.bytes(9).toString("base64")}`] : []),
    ...(chance(0.05) ? [`X-Connect-Authorization: ${random.bytes(32).toString("base64")}`] : []),
    ...(chance(0.05) ? ["X-Connect-Request-Signature-Algorithm: HmacSHA256"] : []),
    ...(chance(0.03) ? ["Content-Encoding: gzip"] : []),
    ...(chance(0.02) ? ["Expect: 100-continue"] : []),
    ...(chance(0.02) ? [`Bad Header\u0001: x`] : []),
    "Connection: close",
  ];
  const head = `${method} ${path} HTTP/${chance(0.97) ? "1.1" : pick(["1.0", "2.0", "9"])}\r\n${headers.join("\r\n")}\r\n\r\n`;
  const framed = isChunked ? chunked(body) : body;
  const bytes = Buffer.concat([Buffer.from(head), framed]);
  const isCut = chance(0.08);
  const sent = isCut ? bytes.subarray(0, random.integer(bytes.length)) : bytes;
  const isShort = !isChunked && declared > body.length;
  return {
    pieces: inPieces(sent),
    hangsUp: isCut || isShort || chance(0.05),
    label: `${method} ${path.slice(0, 100)}`,
  };

  /** One that changes connectors, so that the others meet some that exist, run, stop and go. */
  function goodRequest(): RandomRequest {
    const line = pick([
      "POST /connectors",
      "PUT /connectors/c0/config",
      "PUT /connectors/c1/pause",
      "DELETE /connectors/c1",
    ]);
    const config = { "connector.class": "FileStreamSource", topic: "fuzz", file: "/nonexistent", x: pick(VALUES) };
    const name = pick(["c0", "c1"]);
    const content = line.startsWith("POST") ? { name, config, initial_state: pick(["RUNNING", "STOPPED"]) } : config;
    const body = Buffer.from(JSON.stringify(content));
    const head = `${line} HTTP/1.1\r\nHost: worker\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    return {
      pieces: [Buffer.concat([Buffer.from(`${head}\r\nConnection: close\r\n\r\n`), body])],
      hangsUp: false,
      label: line,
    };
  }

  function randomPath(): string {
    if (chance(0.1)) return `/${random.bytes(random.integer(30)).toString("latin1").replace(/\s/g, "_")}`;
    const known = pick(Object.values(PATHS)).replace(/:(\w+)/g, (_, parameter: string) => {
      if (parameter === "task") return pick(TASKS);
      return parameter === "plugin" ? pick(["FileStreamSource", "FileStreamSink", "none", ...NAMES]) : pick(NAMES);
    });
    if (!chance(0.3)) return known;
    const flags = ["forward", "expand", "includeTasks", "onlyFailed", "connectorsOnly", "scope", "version", "%zz"];
    return `${known}?${pick(flags)}=${pick(["true", "false", "info", "status", "cluster", "", "%ff", "a&a=b"])}`;
  }

  function randomBody(): Buffer {
    if (chance(0.02)) return Buffer.alloc(random.integer(12 * 1024 * 1024), " ");
    if (chance(0.02)) return Buffer.from("[".repeat(random.integer(100_000)));
    if (chance(0.1)) return random.bytes(random.integer(500));
    const text = JSON.stringify(randomJson(3));
    return Buffer.from(chance(0.1) ? text.slice(0, random.integer(text.length)) : text);
  }

  function randomJson(depth: number): unknown {
    const kind = random.integer(depth > 0 ? 8 : 6);
    if (kind < 3) return pick(VALUES);
    if (kind === 3) return random.next() * 10 ** random.integer(30);
    if (kind === 4) return null;
    if (kind === 5) return chance(0.5);
    const many = Array.from({ length: random.integer(5) }, () => randomJson(depth - 1));
    return kind === 6 ? many : Object.fromEntries(many.map((value) => [pick(["config", "name", ...VALUES]), value]));
  }

  function chunked(content: Buffer): Buffer {
    const size = chance(0.1) ? pick(["zz", "-1", "fffffffffffffffff"]) : content.length.toString(16);
    return Buffer.concat([Buffer.from(`${size}\r\n`), content, Buffer.from("\r\n0\r\n\r\n")]);
  }

  function inPieces(whole: Buffer): Buffer[] {
    if (!chance(0.1) || whole.length < 2) return [whole];
    const pieces: Buffer[] = [];
    const step = 1 + random.integer(Math.ceil(whole.length / 3));
    for (let at = 0; at < whole.length; at += step) pieces.push(whole.subarray(at, at + step));
    return pieces;
  }
}
