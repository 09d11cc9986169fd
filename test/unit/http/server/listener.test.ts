import { describe, expect, test } from "vitest";
import {
  advertisedAddress,
  type BoundListener,
  collide,
  localUrl,
  parseListener,
} from "../../../../src/http/server/listener.js";

describe("a listener", () => {
  test.each([
    ["http://:8083", { scheme: "http", host: "", port: 8083 }],
    ["HTTP://127.0.0.1:0", { scheme: "http", host: "127.0.0.1", port: 0 }],
    ["http://[::1]:80", { scheme: "http", host: "::1", port: 80 }],
    ["HTTPS://:8443", { scheme: "https", host: "", port: 8443 }],
  ])("%s", (text, listener) => {
    expect(parseListener("listeners", text)).toEqual(listener);
  });

  test.each(["http://host", "host:80", "ftp://:1", "http://:99999", "http://:-1"])("%s is refused", (text) => {
    expect(() => parseListener("admin.listeners", text)).toThrow(/for configuration admin\.listeners/);
  });

  test("with a port that does not exist is refused for that", () => {
    expect(() => parseListener("listeners", "http://:99999")).toThrow(/port must be between 0.* and 65535/);
  });

  test.each([
    ["http://a:1", "https://a:1", true],
    ["http://:1", "http://127.0.0.1:1", true],
    ["http://127.0.0.1:1", "http://0.0.0.0:1", true],
    ["http://a:1", "http://a:2", false],
    ["http://a:1", "http://b:1", false],
    ["http://a:0", "http://a:0", false],
    ["http://0.0.0.0:1", "http://[::1]:1", false],
    ["http://0.0.0.0:1", "http://[::]:1", true],
    ["http://127.0.0.1:1", "http://[::]:1", true],
  ])("%s and %s collide: %s", (one, other, expected) => {
    expect(collide(parseListener("listeners", one), parseListener("listeners", other))).toBe(expected);
  });

  const bound = (...texts: string[]): BoundListener[] =>
    texts.map((text, at) => ({ ...parseListener("listeners", text), boundPort: 4711 + at }));

  test.each([
    [["http://:0"], {}, { workerId: "box:4711", url: "http://box:4711/" }],
    [["http://0.0.0.0:0"], {}, { workerId: "box:4711", url: "http://box:4711/" }],
    [["http://127.0.0.1:0"], {}, { workerId: "127.0.0.1:4711", url: "http://127.0.0.1:4711/" }],
    [["http://[::1]:0"], {}, { workerId: "::1:4711", url: "http://[::1]:4711/" }],
    [["https://b:0"], {}, { workerId: "b:4711", url: "https://b:4711/" }],
    [["https://b:0", "http://a:0"], {}, { workerId: "a:4712", url: "http://a:4712/" }],
    [["http://a:0", "https://b:0"], { scheme: "HTTPS" }, { workerId: "b:4712", url: "https://b:4712/" }],
    [
      ["http://:0"],
      { host: "w.example.com", port: 80 },
      { workerId: "w.example.com:80", url: "http://w.example.com:80/" },
    ],
    [
      ["http://127.0.0.1:0"],
      { host: "proxy", port: 443, scheme: "HTTPS" },
      { workerId: "proxy:443", url: "https://proxy:443/" },
    ],
  ])("of %j is advertised", (texts, advertised, address) => {
    const all = { host: null, port: null, scheme: null, ...advertised };
    expect(advertisedAddress(bound(...texts), all, "box")).toEqual(address);
  });

  test.each([
    [["http://:0"], "http://127.0.0.1:4711"],
    [["https://[::1]:0"], "https://[::1]:4711"],
    [["https://a:0", "http://b:0"], "http://b:4712"],
  ])("of %j has a local URL", (texts, url) => {
    expect(localUrl(bound(...texts))).toBe(url);
  });
});
