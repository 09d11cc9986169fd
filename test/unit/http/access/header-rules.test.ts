import { expect, test } from "vitest";
import { applyHeaderRules, parseHeaderRules } from "../../../../src/http/access/header-rules.js";

test("rules are separated by commas outside quotes", () => {
  const text =
    'add Cache-Control:no-store,"set X-List: a, b" , setDate Expires:31540000000,addDate Last-Modified:-1000,set X-Empty:';
  expect(parseHeaderRules(text)).toEqual([
    { action: "add", name: "Cache-Control", value: "no-store" },
    { action: "set", name: "X-List", value: "a, b" },
    { action: "setDate", name: "Expires", value: "31540000000" },
    { action: "addDate", name: "Last-Modified", value: "-1000" },
    { action: "set", name: "X-Empty", value: "" },
  ]);
  expect(parseHeaderRules("  ")).toEqual([]);
});

test.each([
  ["foo X:1", "Invalid header config action: 'foo'. Expected one of [set, add, setDate, addDate]"],
  ["set", "Invalid format of header config 'set'. Expected: '[action] [header name]:[header value]'"],
  ["set X:1,,set Y:2", "Invalid format of header config ''. Expected: '[action] [header name]:[header value]'"],
  ["set X Y:1", "Invalid header name 'X Y'. The '[header name]' cannot contain whitespace"],
  ["set X", "Invalid format of header name and header value pair 'X'. Expected: '[header name]:[header value]'"],
  [
    "set X:a:b",
    "Invalid format of header name and header value pair 'X:a:b'. Expected: '[header name]:[header value]'",
  ],
  ["setDate X:soon", "Invalid header value 'soon' of setDate X: expected milliseconds from now"],
])("%j is refused", (text, message) => {
  expect(() => parseHeaderRules(text)).toThrow(`response.http.headers.config: ${message}`);
});

test("set replaces, add keeps what is there, and dates count from the answer", () => {
  const headers = new Headers({ a: "0", b: "0" });
  const target = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    appendHeader: (name: string, value: string) => headers.append(name, value),
  };
  applyHeaderRules(parseHeaderRules("set A:1,add B:1,setDate C:1000"), target, Date.UTC(2026, 0, 1));
  expect(Object.fromEntries(headers)).toEqual({ a: "1", b: "0, 1", c: "Thu, 01 Jan 2026 00:00:01 GMT" });
});
