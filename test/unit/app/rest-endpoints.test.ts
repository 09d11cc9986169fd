import { expect, test } from "vitest";
import { restEndpoints } from "../../../src/app/rest-endpoints.js";

const endpoints = (listeners: readonly string[], admin: readonly string[] | null = null) =>
  restEndpoints({ listeners, "admin.listeners": admin }, {});

test.each([
  [
    ["http://a:1"],
    ["http://a:1"],
    /^Invalid value http:\/\/a:1 for configuration admin\.listeners: listeners has that port already; leave admin\.listeners out/,
  ],
  [["http://:1"], ["http://127.0.0.1:1"], /configuration admin\.listeners: listeners has that port already/],
  [
    ["http://a:1", "http://a:1"],
    null,
    /configuration listeners: listeners has that port already; give each a port of its own/,
  ],
  [["http://a:2"], ["http://a:1", "http://a:1"], /admin\.listeners: admin\.listeners has that port already; give each/],
])("%j and %j cannot both be listened on", (listeners, admin, message) => {
  expect(() => endpoints(listeners, admin)).toThrow(message);
});

test("addresses of different ports are taken, and any free one twice", () => {
  const { main, admin } = endpoints(["http://a:0", "http://a:0"], ["http://a:1"]);
  expect(main).toHaveLength(2);
  expect(admin).toHaveLength(1);
});
