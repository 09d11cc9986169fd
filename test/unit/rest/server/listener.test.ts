import { describe, expect, test } from "vitest";
import { advertisedAddress, parseListener } from "../../../../src/rest/server/listener.js";

describe("a listener", () => {
  test.each([
    ["http://:8083", { scheme: "http", host: "", port: 8083 }],
    ["HTTP://127.0.0.1:0", { scheme: "http", host: "127.0.0.1", port: 0 }],
    ["http://[::1]:80", { scheme: "http", host: "::1", port: 80 }],
  ])("%s", (text, listener) => {
    expect(parseListener(text)).toEqual(listener);
  });

  test.each(["https://:8443", "http://host", "host:80", "ftp://:1", "http://:99999", "http://:-1"])(
    "%s is refused",
    (text) => {
      expect(() => parseListener(text)).toThrow(/for configuration listeners/);
    },
  );

  test.each([
    ["http://:0", {}, { workerId: "box:4711", url: "http://box:4711/" }],
    ["http://0.0.0.0:0", {}, { workerId: "box:4711", url: "http://box:4711/" }],
    ["http://127.0.0.1:0", {}, { workerId: "127.0.0.1:4711", url: "http://127.0.0.1:4711/" }],
    ["http://[::1]:0", {}, { workerId: "::1:4711", url: "http://[::1]:4711/" }],
    [
      "http://:0",
      { host: "w.example.com", port: 80 },
      { workerId: "w.example.com:80", url: "http://w.example.com:80/" },
    ],
    [
      "http://127.0.0.1:0",
      { host: "proxy", port: 443, scheme: "HTTPS" },
      { workerId: "proxy:443", url: "https://proxy:443/" },
    ],
  ])("%s is advertised", (text, advertised, address) => {
    const all = { host: null, port: null, scheme: null, ...advertised };
    expect(advertisedAddress(parseListener(text), 4711, all, "box")).toEqual(address);
  });
});
