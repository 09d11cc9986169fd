import { expect, test } from "vitest";
import { pathMatch } from "../../../../src/rest/exchange/path-match.js";

test.each([
  ["/", "/", {}],
  ["/connectors", "/connectors", {}],
  ["/connectors", "/connectors/", {}],
  ["/connectors", "/Connectors", undefined],
  ["/connectors", "/connectors//", undefined],
  ["/connectors", "/connectors/a", undefined],
  ["/connectors/:name", "/connectors", undefined],
  ["/connectors/:name", "/connectors/", undefined],
  ["/connectors/:name", "/connectors/a%2Fb", { name: "a/b" }],
  ["/connectors/:name", "/connectors/a+b/", { name: "a+b" }],
  ["/connectors/:name", "/connectors/__proto__", { name: "__proto__" }],
  ["/connectors/:name/tasks/:task/status", "/connectors/c/tasks/0/status", { name: "c", task: "0" }],
  ["/connectors/:name/tasks/:task/status", "/connectors/c/tasks//status", undefined],
  ["/connectors/:name/tasks", "*", undefined],
])("%s: %s", (route, path, params) => {
  expect(pathMatch(route)(path)).toEqual(params);
});

test.each(["%zz", "%E4", "%"])("the parameter %s is refused by name, but only on its own route", (text) => {
  expect(() => pathMatch("/connectors/:name")(`/connectors/${text}`)).toThrow(`Failed to decode param '${text}'`);
  expect(pathMatch("/connectors/:name/status")(`/connectors/${text}`)).toBeUndefined();
});
