import fc from "fast-check";
import { expect, test } from "vitest";
import { compositeChecksum, digester, digestOf } from "../../../../src/emulators/object-store/s3-checksum.js";

// Check values of the CRC catalogue for the nine bytes "123456789"; SHA-1 of "abc" from FIPS 180.
test.each([
  ["crc32", "123456789", "cbf43926"],
  ["crc32c", "123456789", "e3069283"],
  ["crc64nvme", "123456789", "ae8b14860a799888"],
  ["sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
] as const)("%s of %s is as published", (algorithm, text, hex) => {
  expect(digestOf(algorithm, Buffer.from(text)).toString("hex")).toBe(hex);
});

test("a body digested in pieces has the digest of the whole", () =>
  fc.assert(
    fc.property(
      fc.constantFrom("crc32", "crc32c", "crc64nvme", "sha256"),
      fc.array(fc.uint8Array({ maxLength: 40 })),
      (algorithm, pieces) => {
        const one = digester(algorithm);
        for (const piece of pieces) one.update(piece);
        expect(one.digest().equals(digestOf(algorithm, Buffer.concat(pieces)))).toBe(true);
      },
    ),
  ));

test("a composite checksum is that of the parts' digests, and how many they are", () => {
  const parts = ["one", "two"].map((text) => digestOf("sha256", Buffer.from(text)));
  const expected = digestOf("sha256", Buffer.concat(parts)).toString("base64");
  expect(
    compositeChecksum(
      "sha256",
      parts.map((part) => part.toString("base64")),
    ),
  ).toBe(`${expected}-2`);
});
