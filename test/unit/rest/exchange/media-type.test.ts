import { expect, test } from "vitest";
import { acceptedTypes } from "../../../../src/rest/exchange/media-type.js";

test.each([
  [undefined, ["*/*"]],
  [" ", ["*/*"]],
  ["image/png", ["image/png"]],
  ["text/html, Application/JSON;charset=x", ["text/html", "application/json"]],
  ["text/html;q=0.5, image/png;q=0.9, a/b", ["a/b", "image/png", "text/html"]],
  ["text/html;level=1; Q=0.0, x", []],
])("a client with Accept: %s takes %j", (accept, types) => {
  expect(acceptedTypes(accept)).toEqual(types);
});
