import { describe, expect, test } from "vitest";
import { decodeAwsChunked } from "../../../../src/emulators/object-store/aws-chunked.js";
import { verifySignature } from "../../../../src/emulators/object-store/sigv4.js";

// The key pair, dates and signatures of the examples in Amazon's S3 API reference, "Authenticating Requests".
const credentials = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const nowMs = Date.UTC(2013, 4, 24, 0, 1);
const scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const getObject = {
  method: "GET",
  target: "/test.txt",
  headers: {
    host: "examplebucket.s3.amazonaws.com",
    range: "bytes=0-9",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": "20130524T000000Z",
    authorization: `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
  },
};

const presigned =
  "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

describe("verifying a signature", () => {
  test("accepts the reference's signed GET", () => {
    expect(verifySignature(getObject, credentials, nowMs).date).toBe("20130524T000000Z");
  });

  test("accepts the reference's listing, whose query is part of what is signed", () => {
    const request = {
      method: "GET",
      target: "/?max-keys=2&prefix=J",
      headers: {
        host: "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": "20130524T000000Z",
        authorization: `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7`,
      },
    };
    expect(() => verifySignature(request, credentials, nowMs)).not.toThrow();
    expect(() => verifySignature({ ...request, target: "/?max-keys=3&prefix=J" }, credentials, nowMs)).toThrow(
      expect.objectContaining({ code: "SignatureDoesNotMatch" }),
    );
  });

  test("accepts the reference's presigned URL until it expires", () => {
    const request = { method: "GET", target: presigned, headers: { host: "examplebucket.s3.amazonaws.com" } };
    expect(() => verifySignature(request, credentials, nowMs)).not.toThrow();
    const later = nowMs + 86_400_000;
    expect(() => verifySignature(request, credentials, later)).toThrow(
      expect.objectContaining({ code: "RequestTimeTooSkewed" }),
    );
  });

  test.each([
    ["another secret", getObject, { ...credentials, secretAccessKey: "wrong" }, nowMs, "SignatureDoesNotMatch"],
    ["another key id", getObject, { ...credentials, accessKeyId: "AKIAOTHER" }, nowMs, "InvalidAccessKeyId"],
    ["another path", { ...getObject, target: "/test2.txt" }, credentials, nowMs, "SignatureDoesNotMatch"],
    ["another time", getObject, credentials, nowMs + 3_600_000, "RequestTimeTooSkewed"],
    ["no signature", { ...getObject, headers: {} }, credentials, nowMs, "AccessDenied"],
    [
      "another scheme",
      { ...getObject, headers: { ...getObject.headers, authorization: "Basic eA==" } },
      credentials,
      nowMs,
      "AuthorizationHeaderMalformed",
    ],
  ])("refuses %s", (_, request, pair, now, code) => {
    expect(() => verifySignature(request, pair, now)).toThrow(expect.objectContaining({ code }));
  });
});

describe("the reference's upload in signed chunks", () => {
  const request = {
    method: "PUT",
    target: "/examplebucket/chunkObject.txt",
    headers: {
      host: "s3.amazonaws.com",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560",
      "content-length": "66824",
      authorization: `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
    },
  };
  const signatures = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  ];
  const framed = (byte: string) =>
    Buffer.from(
      `10000;chunk-signature=${signatures[0]}\r\n${byte.repeat(65536)}\r\n400;chunk-signature=${signatures[1]}\r\n${"a".repeat(1024)}\r\n0;chunk-signature=${signatures[2]}\r\n\r\n`,
    );

  async function decode(body: Buffer, pieceBytes: number): Promise<Buffer> {
    async function* pieces() {
      for (let at = 0; at < body.length; at += pieceBytes) yield body.subarray(at, at + pieceBytes);
    }
    const verified = verifySignature(request, credentials, nowMs);
    const decoded: Buffer[] = [];
    for await (const chunk of decodeAwsChunked(pieces(), new Map(), verified)) decoded.push(chunk);
    return Buffer.concat(decoded);
  }

  test.each([1, 7, 4096, 1 << 20])("decodes and verifies, read in pieces of %i bytes", async (pieceBytes) => {
    expect((await decode(framed("a"), pieceBytes)).equals(Buffer.alloc(66560, "a"))).toBe(true);
  });

  test("a changed chunk is refused", async () => {
    await expect(decode(framed("b"), 4096)).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
  });

  test("a body that ends early is refused", async () => {
    await expect(decode(framed("a").subarray(0, 60_000), 4096)).rejects.toMatchObject({ code: "IncompleteBody" });
  });
});

describe("the reference's upload in signed chunks with a signed trailer", () => {
  const request = {
    method: "PUT",
    target: "/examplebucket/chunkObject.txt",
    headers: {
      host: "s3.amazonaws.com",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "66560",
      "x-amz-trailer": "x-amz-checksum-crc32c",
      authorization: `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e`,
    },
  };
  const signatures = [
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  ];
  const framed = (checksum: string) =>
    Buffer.from(
      `10000;chunk-signature=${signatures[0]}\r\n${"a".repeat(65536)}\r\n400;chunk-signature=${signatures[1]}\r\n${"a".repeat(1024)}\r\n0;chunk-signature=${signatures[2]}\r\nx-amz-checksum-crc32c:${checksum}\r\nx-amz-trailer-signature:${signatures[3]}\r\n\r\n`,
    );

  async function decode(body: Buffer): Promise<Map<string, string>> {
    async function* pieces() {
      yield body;
    }
    const trailers = new Map<string, string>();
    const verified = verifySignature(request, credentials, nowMs);
    for await (const chunk of decodeAwsChunked(pieces(), trailers, verified)) expect(chunk.length).toBeGreaterThan(0);
    return trailers;
  }

  test("is verified and its trailer handed on", async () => {
    expect(await decode(framed("sOO8/Q=="))).toEqual(new Map([["x-amz-checksum-crc32c", "sOO8/Q=="]]));
  });

  test("a changed trailer is refused", async () => {
    await expect(decode(framed("sOO8/R=="))).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
  });
});
