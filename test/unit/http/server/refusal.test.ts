import { expect, test } from "vitest";
import { refusalText } from "../../../../src/http/server/refusal.js";

test.each([
  ["HPE_HEADER_OVERFLOW", 431, "Request Header Fields Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", 408, "Request Timeout"],
  ["HPE_INVALID_METHOD", 400, "Bad Request"],
  [undefined, 400, "Bad Request"],
])("bytes that are refused with %s are answered %i, as JSON", (code, status, reason) => {
  const [head = "", body = ""] = refusalText(code).split("\r\n\r\n");
  expect(head.split("\r\n")).toEqual([
    `HTTP/1.1 ${status} ${reason}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ]);
  expect(JSON.parse(body)).toEqual({ error_code: status, message: `HTTP ${status} ${reason}` });
});
