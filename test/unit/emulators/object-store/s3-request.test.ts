import { describe, expect, test } from "vitest";
import { readS3Request } from "../../../../src/emulators/object-store/s3-request.js";
import { readXmlList, writeXml } from "../../../../src/emulators/object-store/s3-xml.js";

describe("reading a request", () => {
  test.each([
    ["GET", "/", "ListBuckets", "", ""],
    ["PUT", "/b", "CreateBucket", "b", ""],
    ["GET", "/b/?list-type=2&prefix=x", "ListObjectsV2", "b", ""],
    ["POST", "/b/?delete", "DeleteObjects", "b", ""],
    ["GET", "/b?uploads", "ListMultipartUploads", "b", ""],
    ["PUT", "/b/topics/t%2B0%2B1.json?x-id=PutObject", "PutObject", "b", "topics/t+0+1.json"],
    ["PUT", "/b/a+b", "PutObject", "b", "a+b"],
    ["GET", "/b/a//../%20", "GetObject", "b", "a//../ "],
    ["POST", "/b/k?uploads", "CreateMultipartUpload", "b", "k"],
    ["PUT", "/b/k?partNumber=3&uploadId=u", "UploadPart", "b", "k"],
    ["GET", "/b/k?uploadId=u", "ListParts", "b", "k"],
    ["POST", "/b/k?uploadId=u", "CompleteMultipartUpload", "b", "k"],
    ["DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", "b", "k"],
  ])("%s %s is %s", (method, target, operation, bucket, key) => {
    expect(readS3Request(method, target, false)).toMatchObject({ operation, bucket, key });
  });

  test.each([
    ["GET", "/b/k?tagging", "NotImplemented"],
    ["GET", "/b/k?versionId=1", "NotImplemented"],
    ["GET", "/b", "NotImplemented"],
    ["PATCH", "/b/k", "MethodNotAllowed"],
    ["PUT", "/b/k?uploadId=u", "MethodNotAllowed"],
    ["GET", "/b/%ff", "InvalidURI"],
  ])("%s %s is refused with %s", (method, target, code) => {
    expect(() => readS3Request(method, target, false)).toThrow(expect.objectContaining({ code }));
  });
});

describe("XML", () => {
  test("is escaped on the way out and back on the way in", () => {
    const key = `a&b<c>"d"\r'🙂`;
    const xml = writeXml("Delete", { Object: [{ Key: key }, { Key: "plain" }], Quiet: true });
    const { items, rest } = readXmlList(xml, "Delete", "Object");
    expect(items.map((item) => item.get("Key"))).toEqual([key, "plain"]);
    expect(rest).toBe("<Quiet>true</Quiet>");
  });

  test("of another kind is refused", () => {
    expect(() => readXmlList("<Other></Other>", "Delete", "Object")).toThrow(
      expect.objectContaining({ code: "MalformedXML" }),
    );
  });
});
