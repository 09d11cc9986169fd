import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { readBytes } from "../../../../src/rest/exchange/request-bytes.js";

function message(headers: Readonly<Record<string, string>>): IncomingMessage {
  const made = new IncomingMessage(new Socket());
  made.headers = headers;
  return made;
}

test("a body is its parts together; a request without one has none", async () => {
  const chunked = message({ "transfer-encoding": "chunked" });
  for (const part of ["{", '"a":1', "}"]) chunked.push(part);
  chunked.push(null);
  expect(String(await readBytes(chunked, 7))).toBe('{"a":1}');
  expect(await readBytes(message({}), 7)).toBeUndefined();
  const empty = message({ "content-length": "0", "content-encoding": "Identity" });
  empty.push(null);
  expect(await readBytes(empty, 7)).toHaveLength(0);
});

test("a body above the limit is refused once all of it has arrived, and none of it is kept", async () => {
  const large = message({ "transfer-encoding": "chunked" });
  for (const part of ["12345", "67890"]) large.push(part);
  large.push(null);
  await expect(readBytes(large, 7)).rejects.toMatchObject({ status: 413 });
  expect(large.readableEnded).toBe(true);
});

test("a compressed body, and one that ends too early, are refused", async () => {
  const zipped = message({ "content-length": "5", "content-encoding": "gzip" });
  await expect(readBytes(zipped, 7)).rejects.toMatchObject({ status: 415 });
  const cut = message({ "content-length": "5" });
  const read = readBytes(cut, 7);
  cut.push("123");
  cut.destroy(new Error("aborted"));
  await expect(read).rejects.toMatchObject({ status: 400, message: "request aborted" });
});
