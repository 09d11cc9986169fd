import { expect, test } from "vitest";
import { shownUrl } from "../../../../../src/broker/security/oauth/shown-url.js";

test.each([
  ["https://idp.example/keys", "https://idp.example/keys"],
  ["https://idp.example", "https://idp.example"],
  ["file:/etc/keys.json", "file:/etc/keys.json"],
  ["", ""],
  ["https://ann:secret@idp.example:8443/keys", "https://idp.example:8443/keys"],
  ["https://secret@idp.example/keys", "https://idp.example/keys"],
  ["https://idp.example/keys?token=secret#secret", "https://idp.example/keys"],
  ["//ann:secret@idp.example/keys", "[hidden]"],
])("%s is shown without what may be secret", (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
