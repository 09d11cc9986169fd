import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CreateBucketCommand, GetObjectTaggingCommand, type S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { S3SinkTask } from "../../connectors/s3/s3-sink-task.js";
import { AwsStoreClient } from "../../connectors/s3/store/aws-store-client.js";
import type { Props } from "../../src/api/index.js";
import { SystemClock } from "../../src/base/clock.js";
import { s3Client, TEST_CREDENTIALS } from "../support/object-store.js";
import { s3SinkSuite } from "../support/s3-sink-suite.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "../unit/connectors/s3/sink-driver.js";
import { findPeers, Peers } from "./peers.js";

const { script, missing } = findPeers();
const run = promisify(execFile);

/** Prints the rows of all objects of a bucket, as Python reads them. */
const READ = `
import boto3, gzip, json, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
rows = {}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[2]):
    for entry in page.get("Contents", []):
        body = s3.get_object(Bucket=sys.argv[2], Key=entry["Key"])["Body"].read()
        text = gzip.decompress(body) if entry["Key"].endswith(".gz") else body
        rows[entry["Key"]] = [json.loads(line)["at"] for line in text.decode("utf-8").splitlines()]
print(json.dumps(rows))
`;

describe.skipIf(missing)("the S3 sink on moto, an S3 server of others", () => {
  let peers: Peers;
  let endpoint: string;
  let client: S3Client;
  beforeAll(async () => {
    peers = await Peers.prepare(script);
    endpoint = await peers.startMoto();
    client = s3Client(endpoint, { requestChecksumCalculation: "WHEN_REQUIRED" });
  });
  afterAll(async () => {
    client?.destroy();
    await peers?.stop();
  });

  function driverOf(bucket: string, props: Props): SinkDriver {
    const createTask = () => new S3SinkTask((settings, logger) => new AwsStoreClient(settings, logger));
    return new SinkDriver(createTask, [{ topic: "orders", partition: 0 }], {
      clock: new SystemClock(),
      props: {
        ...SINK_PROPS,
        "s3.bucket.name": bucket,
        "store.url": endpoint,
        "s3.region": "us-east-1",
        "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
        "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
        ...props,
      },
    });
  }

  s3SinkSuite(() => ({ endpoint, client }));

  test("objects have their tags", async () => {
    await client.send(new CreateBucketCommand({ Bucket: "tags" }));
    const driver = driverOf("tags", { "s3.object.tagging": "true", "s3.object.tagging.key.value.pairs": "team:lake" });
    await driver.start();
    for (let offset = 5; offset < 8; offset++) driver.append(rowRecord(offset));
    await driver.deliverAll();
    await driver.commit();
    await driver.stop();
    const Key = "topics/orders/partition=0/orders+0+0000000005.json";
    const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket: "tags", Key }));
    expect(Object.fromEntries(TagSet.map((tag) => [tag.Key, tag.Value]))).toEqual({
      startOffset: "5",
      endOffset: "7",
      recordCount: "3",
      team: "lake",
    });
  });

  test("Python reads the objects, gzipped or not", async () => {
    await client.send(new CreateBucketCommand({ Bucket: "python" }));
    for (const [topicsDir, compression] of [
      ["plain", "none"],
      ["packed", "gzip"],
    ] as const) {
      const props = { "topics.dir": topicsDir, "s3.compression.type": compression, "flush.size": "500" };
      const driver = driverOf("python", props);
      await driver.start();
      // More than one block of the compression.
      for (let offset = 0; offset < 1000; offset++) driver.append(rowRecord(offset, { fill: "ä🙂 ".repeat(50) }));
      await driver.deliverAll();
      await driver.commit();
      await driver.stop();
    }
    const { stdout } = await run(peers.python, ["-c", READ, endpoint, "python"], { maxBuffer: 64 * 1024 * 1024 });
    const rows = (from: number) => Array.from({ length: 500 }, (_, at) => `0:${from + at}`);
    const key = (folder: string, offset: string, extension: string) =>
      `${folder}/orders/partition=0/orders+0+0000000${offset}${extension}`;
    expect(JSON.parse(stdout)).toEqual({
      [key("packed", "000", ".json.gz")]: rows(0),
      [key("packed", "500", ".json.gz")]: rows(500),
      [key("plain", "000", ".json")]: rows(0),
      [key("plain", "500", ".json")]: rows(500),
    });
  });
});
