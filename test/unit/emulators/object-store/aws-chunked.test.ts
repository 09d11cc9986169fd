import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeAwsChunked } from "../../../../src/emulators/object-store/aws-chunked.js";

async function* pieces(body: Buffer, sizes: readonly number[]) {
  let at = 0;
  for (let i = 0; at < body.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield body.subarray(at, at + size);
    at += size;
  }
}

async function decode(body: Buffer, sizes: readonly number[] = [64]) {
  const trailers = new Map<string, string>();
  const decoded: Buffer[] = [];
  for await (const chunk of decodeAwsChunked(pieces(body, sizes), trailers)) decoded.push(chunk);
  return { bytes: Buffer.concat(decoded), trailers };
}

test("whatever the chunks and however they arrive, the bytes and trailing headers come out", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      async (chunks, sizes) => {
        const framed = chunks.flatMap((chunk) => [
          Buffer.from(`${chunk.length.toString(16)}\r\n`),
          Buffer.from(chunk),
          Buffer.from("\r\n"),
        ]);
        const body = Buffer.concat([...framed, Buffer.from("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n")]);
        const { bytes, trailers } = await decode(body, sizes);
        expect(bytes.equals(Buffer.concat(chunks))).toBe(true);
        expect([...trailers]).toEqual([["x-amz-checksum-crc32", "AAAAAA=="]]);
      },
    ),
  ));

test.each([
  ["not chunked at all", "hello world\r\n"],
  ["a chunk longer than it says", "3\r\nabcdef\r\n0\r\n\r\n"],
  ["no last chunk", "3\r\nabc\r\n"],
  ["a trailing header without a colon", "0\r\nnonsense\r\n\r\n"],
])("a body that is %s is refused", async (_, body) => {
  await expect(decode(Buffer.from(body))).rejects.toMatchObject({ code: "IncompleteBody" });
});
