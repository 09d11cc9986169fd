import { createHash } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  listKeys,
  readObject,
  s3Client,
  startTestObjectStore,
  type TestObjectStore,
} from "../../support/object-store.js";

const Bucket = "test-bucket";
const PART = 5 * 2 ** 20;

function bytes(size: number, seed = 1): Buffer {
  const buffer = Buffer.alloc(size);
  for (let i = 0; i < size; i++) buffer[i] = (i * 31 + seed * 7 + (i >> 8)) & 0xff;
  return buffer;
}

function md5(body: Buffer): Buffer {
  return createHash("md5").update(body).digest();
}

let environment: TestObjectStore;
beforeAll(async () => {
  environment = await startTestObjectStore({ buckets: [Bucket] });
});
afterAll(async () => {
  await environment?.stop();
});

describe.each(["WHEN_SUPPORTED", "WHEN_REQUIRED"] as const)(
  "with request checksums %s",
  (requestChecksumCalculation) => {
    let client: S3Client;
    const at = (key: string) => ({ Bucket, Key: `${requestChecksumCalculation}/${key}` });
    beforeAll(() => {
      client = s3Client(environment.store.endpoint, { requestChecksumCalculation });
    });
    afterAll(() => client?.destroy());

    test("buckets are created, found, listed and deleted", async () => {
      const own = { Bucket: `own-${requestChecksumCalculation.toLowerCase().replace("_", "-")}` };
      await expect(client.send(new HeadBucketCommand(own))).rejects.toMatchObject({
        $metadata: { httpStatusCode: 404 },
      });
      await client.send(new CreateBucketCommand(own));
      await client.send(new HeadBucketCommand(own));
      await expect(client.send(new CreateBucketCommand(own))).rejects.toMatchObject({
        name: "BucketAlreadyOwnedByYou",
      });
      const { Buckets } = await client.send(new ListBucketsCommand({}));
      expect(Buckets?.map(({ Name }) => Name)).toEqual(expect.arrayContaining([own.Bucket, Bucket]));
      await client.send(new PutObjectCommand({ ...own, Key: "x", Body: "x" }));
      await expect(client.send(new DeleteBucketCommand(own))).rejects.toMatchObject({ name: "BucketNotEmpty" });
      await client.send(new DeleteObjectCommand({ ...own, Key: "x" }));
      await client.send(new DeleteBucketCommand(own));
      await expect(client.send(new PutObjectCommand({ ...own, Key: "x", Body: "x" }))).rejects.toMatchObject({
        name: "NoSuchBucket",
      });
      await expect(client.send(new CreateBucketCommand({ Bucket: "Bad_Name" }))).rejects.toMatchObject({
        name: "InvalidBucketName",
      });
    });

    test("an object is returned with its ETag, length, headers and metadata", async () => {
      const key = at("a b+c=d/é🙂/%2F//..//x.json");
      const body = bytes(100_000);
      const put = await client.send(
        new PutObjectCommand({ ...key, Body: body, ContentType: "application/json", Metadata: { origin: "test" } }),
      );
      expect(put.ETag).toBe(`"${md5(body).toString("hex")}"`);
      const got = await client.send(new GetObjectCommand(key));
      expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
      expect(got).toMatchObject({
        ETag: put.ETag,
        ContentLength: 100_000,
        ContentType: "application/json",
        Metadata: { origin: "test" },
      });
      const head = await client.send(new HeadObjectCommand(key));
      expect(head).toMatchObject({ ETag: put.ETag, ContentLength: 100_000, Metadata: { origin: "test" } });
      expect(Math.abs((head.LastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(await listKeys(client, Bucket, key.Key)).toEqual([key.Key]);
      await client.send(new DeleteObjectCommand(key));
      await expect(client.send(new GetObjectCommand(key))).rejects.toMatchObject({ name: "NoSuchKey" });
      await expect(client.send(new HeadObjectCommand(key))).rejects.toMatchObject({ name: "NotFound" });
      await client.send(new DeleteObjectCommand(key));
    });

    test("an empty object is an object", async () => {
      await client.send(new PutObjectCommand({ ...at("empty"), Body: "" }));
      expect(await readObject(client, Bucket, at("empty").Key)).toHaveLength(0);
    });

    test("a streamed body is stored without its aws-chunked frame", async () => {
      const body = bytes(300_000, 3);
      const Body = Readable.from([body.subarray(0, 70_000), body.subarray(70_000)]);
      await client.send(new PutObjectCommand({ ...at("streamed"), Body, ContentLength: body.length }));
      expect((await readObject(client, Bucket, at("streamed").Key)).equals(body)).toBe(true);
      const head = await client.send(new HeadObjectCommand(at("streamed")));
      expect(head.ContentEncoding).toBeUndefined();
    });

    test("ranges return the requested bytes", async () => {
      const body = bytes(1000);
      await client.send(new PutObjectCommand({ ...at("ranged"), Body: body }));
      const part = await client.send(new GetObjectCommand({ ...at("ranged"), Range: "bytes=10-19" }));
      expect(part).toMatchObject({
        ContentRange: "bytes 10-19/1000",
        ContentLength: 10,
        $metadata: { httpStatusCode: 206 },
      });
      expect(Buffer.from((await part.Body?.transformToByteArray()) ?? []).equals(body.subarray(10, 20))).toBe(true);
      await expect(client.send(new GetObjectCommand({ ...at("ranged"), Range: "bytes=1000-" }))).rejects.toMatchObject({
        name: "InvalidRange",
      });
    });

    test.each(["CRC32", "CRC32C", "SHA1", "SHA256"] as ChecksumAlgorithm[])(
      "a %s checksum is checked, stored and returned",
      async (algorithm) => {
        const key = at(`sum-${algorithm}`);
        const field = `Checksum${algorithm}`;
        const put = await client.send(new PutObjectCommand({ ...key, Body: "hello", ChecksumAlgorithm: algorithm }));
        const sum = (put as unknown as Record<string, string>)[field];
        expect(sum).toMatch(/=$/);
        const head = await client.send(new HeadObjectCommand({ ...key, ChecksumMode: "ENABLED" }));
        expect(head).toMatchObject({ [field]: sum, ChecksumType: "FULL_OBJECT" });
        const wrong = { ...key, Body: "hellO", [field]: sum };
        await expect(client.send(new PutObjectCommand(wrong))).rejects.toMatchObject({ name: "BadDigest" });
        expect((await readObject(client, Bucket, key.Key)).toString()).toBe("hello");
      },
    );

    test("Content-MD5 is checked", async () => {
      const right = md5(Buffer.from("hello")).toString("base64");
      await client.send(new PutObjectCommand({ ...at("md5"), Body: "hello", ContentMD5: right }));
      await expect(
        client.send(new PutObjectCommand({ ...at("md5"), Body: "hellO", ContentMD5: right })),
      ).rejects.toMatchObject({ name: "BadDigest" });
      await expect(
        client.send(new PutObjectCommand({ ...at("md5"), Body: "hello", ContentMD5: "short" })),
      ).rejects.toMatchObject({ name: "InvalidDigest" });
    });

    test("a conditional write loses with 412", async () => {
      const key = at("conditional");
      const { ETag } = await client.send(new PutObjectCommand({ ...key, Body: "first", IfNoneMatch: "*" }));
      await expect(
        client.send(new PutObjectCommand({ ...key, Body: "second", IfNoneMatch: "*" })),
      ).rejects.toMatchObject({ name: "PreconditionFailed", $metadata: { httpStatusCode: 412 } });
      await expect(client.send(new PutObjectCommand({ ...key, Body: "second", IfMatch: '"0"' }))).rejects.toMatchObject(
        { name: "PreconditionFailed" },
      );
      await expect(
        client.send(new PutObjectCommand({ ...at("nothing"), Body: "x", IfMatch: ETag })),
      ).rejects.toMatchObject({ name: "NoSuchKey" });
      expect((await readObject(client, Bucket, key.Key)).toString()).toBe("first");
      await client.send(new PutObjectCommand({ ...key, Body: "second", IfMatch: ETag }));
      await expect(client.send(new GetObjectCommand({ ...key, IfMatch: ETag }))).rejects.toMatchObject({
        $metadata: { httpStatusCode: 412 },
      });
      const now = await client.send(new HeadObjectCommand(key));
      await expect(client.send(new GetObjectCommand({ ...key, IfNoneMatch: now.ETag }))).rejects.toMatchObject({
        $metadata: { httpStatusCode: 304 },
      });
    });

    test("of several writers of one key with If-None-Match exactly one wins", async () => {
      const writes = [1, 2, 3, 4, 5].map((writer) =>
        client.send(new PutObjectCommand({ ...at("race"), Body: `writer ${writer}`, IfNoneMatch: "*" })),
      );
      const outcomes = await Promise.allSettled(writes);
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    test("copies keep or replace metadata", async () => {
      await client.send(new PutObjectCommand({ ...at("from+é"), Body: "copied", Metadata: { a: "1" } }));
      const CopySource = `${Bucket}/${encodeURIComponent(at("from+é").Key)}`;
      await client.send(new CopyObjectCommand({ ...at("to"), CopySource }));
      expect((await client.send(new HeadObjectCommand(at("to")))).Metadata).toEqual({ a: "1" });
      await client.send(
        new CopyObjectCommand({ ...at("to"), CopySource, MetadataDirective: "REPLACE", Metadata: { b: "2" } }),
      );
      expect((await client.send(new HeadObjectCommand(at("to")))).Metadata).toEqual({ b: "2" });
      expect((await readObject(client, Bucket, at("to").Key)).toString()).toBe("copied");
      await expect(
        client.send(new CopyObjectCommand({ ...at("to"), CopySource: `${Bucket}/none` })),
      ).rejects.toMatchObject({ name: "NoSuchKey" });
    });

    test("listings page by token and start after a key; deletions take many", async () => {
      const prefix = at("many/").Key;
      const keys = Array.from({ length: 25 }, (_, i) => `${prefix}${i < 20 ? "x/" : ""}${String(i).padStart(3, "0")}`);
      for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
      const first = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, MaxKeys: 10 }));
      expect(first).toMatchObject({ IsTruncated: true, KeyCount: 10 });
      expect(first.Contents?.[0]).toMatchObject({ Key: `${prefix}020`, Size: `${prefix}020`.length });
      expect(await listKeys(client, Bucket, prefix)).toEqual([...keys].sort());
      const after = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: prefix, StartAfter: `${prefix}x/017` }),
      );
      expect(after.Contents?.map(({ Key }) => Key)).toEqual([`${prefix}x/018`, `${prefix}x/019`]);
      const rolled = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix, Delimiter: "/" }));
      expect(rolled.CommonPrefixes).toEqual([{ Prefix: `${prefix}x/` }]);
      expect(rolled.Contents).toHaveLength(5);
      const Objects = keys.map((Key) => ({ Key }));
      const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(Deleted).toHaveLength(25);
      expect(await listKeys(client, Bucket, prefix)).toEqual([]);
    });

    test.each([undefined, "CRC32", "SHA256"] as (ChecksumAlgorithm | undefined)[])(
      "a multipart upload (checksum %s) is assembled in order and has S3's ETag",
      async (ChecksumAlgorithm) => {
        const key = at(`multipart-${ChecksumAlgorithm}`);
        const { UploadId } = await client.send(
          new CreateMultipartUploadCommand({
            ...key,
            ...(ChecksumAlgorithm && { ChecksumAlgorithm }),
            Metadata: { m: "1" },
          }),
        );
        const bodies = [bytes(PART, 1), bytes(PART, 2), bytes(1234, 3)];
        const Parts: CompletedPart[] = [];
        for (const index of [2, 0, 1]) {
          const part = { PartNumber: index + 1, Body: bodies[index] ?? Buffer.alloc(0) };
          const { $metadata, ...sent } = await client.send(
            new UploadPartCommand({ ...key, UploadId, ...part, ...(ChecksumAlgorithm && { ChecksumAlgorithm }) }),
          );
          Parts[index] = { PartNumber: part.PartNumber, ...sent };
        }
        const listed = await client.send(new ListPartsCommand({ ...key, UploadId, MaxParts: 2 }));
        expect(listed.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
          [1, PART],
          [2, PART],
        ]);
        expect(listed).toMatchObject({ IsTruncated: true, NextPartNumberMarker: "2" });
        const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: key.Key }));
        expect(uploads.Uploads?.map(({ Key, UploadId: id }) => [Key, id])).toEqual([[key.Key, UploadId]]);
        await expect(client.send(new HeadObjectCommand(key))).rejects.toMatchObject({ name: "NotFound" });

        const done = await client.send(
          new CompleteMultipartUploadCommand({ ...key, UploadId, MultipartUpload: { Parts } }),
        );
        const etag = createHash("md5")
          .update(Buffer.concat(bodies.map(md5)))
          .digest("hex");
        expect(done.ETag).toBe(`"${etag}-3"`);
        expect((await readObject(client, Bucket, key.Key)).equals(Buffer.concat(bodies))).toBe(true);
        const head = await client.send(new HeadObjectCommand({ ...key, ChecksumMode: "ENABLED" }));
        expect(head).toMatchObject({ ContentLength: 2 * PART + 1234, Metadata: { m: "1" } });
        if (ChecksumAlgorithm) {
          expect(head).toMatchObject({
            ChecksumType: "COMPOSITE",
            [`Checksum${ChecksumAlgorithm}`]: expect.stringMatching(/-3$/),
          });
        }
        await expect(
          client.send(new CompleteMultipartUploadCommand({ ...key, UploadId, MultipartUpload: { Parts } })),
        ).rejects.toMatchObject({ name: "NoSuchUpload" });
      },
    );

    test("a multipart upload is refused for small, unknown and unordered parts, and for an object that exists", async () => {
      const key = at("multipart-refused");
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
      const part = async (PartNumber: number, Body: string | Buffer) => {
        const { ETag } = await client.send(new UploadPartCommand({ ...key, UploadId, PartNumber, Body }));
        return { PartNumber, ETag };
      };
      const small = await part(1, "small");
      const last = await part(2, "last");
      const complete = (Parts: { PartNumber: number; ETag: string | undefined }[], IfNoneMatch?: string) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...key,
            UploadId,
            MultipartUpload: { Parts },
            ...(IfNoneMatch && { IfNoneMatch }),
          }),
        );
      await expect(complete([small, last])).rejects.toMatchObject({ name: "EntityTooSmall" });
      await expect(complete([last, small])).rejects.toMatchObject({ name: "InvalidPartOrder" });
      await expect(complete([{ ...small, ETag: '"0"' }])).rejects.toMatchObject({ name: "InvalidPart" });
      await expect(complete([{ ...last, PartNumber: 7 }])).rejects.toMatchObject({ name: "InvalidPart" });
      const large = await part(1, bytes(PART));
      await client.send(new PutObjectCommand({ ...key, Body: "here first" }));
      await expect(complete([large, last], "*")).rejects.toMatchObject({ name: "PreconditionFailed" });
      expect((await readObject(client, Bucket, key.Key)).toString()).toBe("here first");
      await complete([large, last]);
      expect(await readObject(client, Bucket, key.Key)).toHaveLength(PART + 4);
    });

    test("an aborted upload is gone", async () => {
      const key = at("aborted");
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(key));
      const part = { ...key, UploadId, PartNumber: 1 };
      await client.send(new UploadPartCommand({ ...part, Body: "x" }));
      await client.send(new AbortMultipartUploadCommand({ ...key, UploadId }));
      await expect(client.send(new UploadPartCommand({ ...part, Body: "x" }))).rejects.toMatchObject({
        name: "NoSuchUpload",
      });
      await expect(client.send(new ListPartsCommand({ ...key, UploadId }))).rejects.toMatchObject({
        name: "NoSuchUpload",
      });
      expect(environment.store.danglingUploads(Bucket).filter((upload) => upload.key === key.Key)).toEqual([]);
    });

    test("a wrong secret is refused", async () => {
      const stranger = s3Client(environment.store.endpoint, { requestChecksumCalculation, secretAccessKey: "wrong" });
      await expect(stranger.send(new PutObjectCommand({ ...at("stranger"), Body: "x" }))).rejects.toMatchObject({
        name: "SignatureDoesNotMatch",
        $metadata: { httpStatusCode: 403 },
      });
      stranger.destroy();
    });
  },
);

test("objects and unfinished uploads survive a restart of the store", async () => {
  const { client } = environment;
  const key = { Bucket, Key: "durable" };
  await client.send(new PutObjectCommand({ ...key, Body: "kept", Metadata: { k: "v" } }));
  const upload = { Bucket, Key: "under-way" };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload));
  const { ETag } = await client.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: "part" }));
  await environment.restart();
  expect((await client.send(new HeadObjectCommand(key))).Metadata).toEqual({ k: "v" });
  const Parts = [{ PartNumber: 1, ETag }];
  await client.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }));
  expect((await readObject(client, Bucket, "under-way")).toString()).toBe("part");
});

describe("faults", () => {
  const Key = "faulty";
  test("503 SlowDown is answered and nothing is applied", async () => {
    const { client, store } = environment;
    const fault = store.faults.add({ fault: { kind: "answer", code: "SlowDown" }, key: /^faulty$/, count: 1 });
    await expect(client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }))).rejects.toMatchObject({
      name: "SlowDown",
      $metadata: { httpStatusCode: 503 },
    });
    expect(fault.hits).toBe(1);
    expect(await listKeys(client, Bucket, Key)).toEqual([]);
  });

  test("a connection dropped before applying leaves nothing, after applying the object", async () => {
    const { client, store } = environment;
    store.faults.add({ fault: { kind: "drop-before" }, operations: ["PutObject"], count: 1 });
    await expect(client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }))).rejects.toThrow();
    expect(await listKeys(client, Bucket, Key)).toEqual([]);
    store.faults.add({ fault: { kind: "drop-after" }, operations: ["PutObject"], count: 1 });
    await expect(client.send(new PutObjectCommand({ Bucket, Key, Body: "y" }))).rejects.toThrow();
    expect((await readObject(client, Bucket, Key)).toString()).toBe("y");
  });

  test("a delayed request is served", async () => {
    const { client, store } = environment;
    const fault = store.faults.add({ fault: { kind: "delay", delayMs: 5 }, count: 1 });
    const applied: string[] = [];
    const stop = store.onApplied(({ operation }) => applied.push(operation));
    await client.send(new PutObjectCommand({ Bucket, Key, Body: "z" }));
    stop();
    expect(fault.hits).toBe(1);
    expect(applied).toEqual(["PutObject"]);
  });

  test("a client that disconnects half-way leaves no object", async () => {
    const anonymous = await startTestObjectStore({ buckets: [Bucket], anonymous: true });
    const { client, store } = anonymous;
    const seen = store.faults.add({ fault: { kind: "delay", delayMs: 0 }, key: /^half$/ });
    const half = request(`${store.endpoint}/${Bucket}/half`, { method: "PUT", headers: { "content-length": 100 } });
    const failed = once(half, "error");
    half.write("only this");
    await seen.struck;
    half.destroy(new Error("hung up"));
    await failed;
    expect(await listKeys(client, Bucket)).toEqual([]);
    await anonymous.stop();
  });
});

test("anonymous requests are refused if credentials are configured", async () => {
  const anonymous = await fetch(`${environment.store.endpoint}/${Bucket}/x`);
  expect(anonymous.status).toBe(403);
  expect(await anonymous.text()).toContain("<Code>AccessDenied</Code>");
});
