import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { S3_SINK_CONFIG } from "../../../connectors/s3/config/s3-sink-config.js";
import s3Plugins from "../../../connectors/s3/index.js";
import { S3SinkTask } from "../../../connectors/s3/s3-sink-task.js";
import { AwsStoreClient } from "../../../connectors/s3/store/aws-store-client.js";
import { judgeStoreFailure } from "../../../connectors/s3/store/store-failure.js";
import { storeSettings } from "../../../connectors/s3/store/store-settings.js";
import { type Props, parseConfig, validateConfig } from "../../../src/api/index.js";
import { SystemClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "../../unit/connectors/s3/sink-driver.js";

const ORDERS = [{ topic: "orders", partition: 0 }];
const PAGE = "<!doctype html><html><head><style>b{}</style></head><body>\n<b>Console</b> of MinIO</body></html>";
const NEVER = new AbortController().signal;

let server: Server | undefined;
afterEach(() => server?.close());

/** A server in place of the store that answers each request once it has read the body. */
async function answering(listener: RequestListener): Promise<Props> {
  server = createServer((request, response) => {
    request.resume().on("end", () => listener(request, response));
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return {
    ...SINK_PROPS,
    "store.url": `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    "s3.region": "us-east-1",
    "aws.access.key.id": "a",
    "aws.secret.access.key": "b",
    "s3.retry.backoff.ms": "5",
  };
}

const page: RequestListener = (_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(PAGE);
/** A store with a valid answer to HEAD, so that the task tries the first object. */
const pageButForHead: RequestListener = (request, response) =>
  request.method === "HEAD" ? response.writeHead(200).end() : page(request, response);

function clientOf(props: Props): AwsStoreClient {
  return new AwsStoreClient(storeSettings(parseConfig(S3_SINK_CONFIG, props)), silentLogger);
}

async function failureOf(request: Promise<unknown>) {
  return judgeStoreFailure(
    await request.then(
      () => "no failure",
      (error: unknown) => error,
    ),
  );
}

describe("a web server instead of the store", () => {
  test("is refused by the task's start, naming store.url", async () => {
    const props = await answering(page);
    const createTask = () => new S3SinkTask((settings, logger) => new AwsStoreClient(settings, logger));
    const driver = new SinkDriver(createTask, ORDERS, { clock: new SystemClock(), props });
    await expect(driver.start()).rejects.toMatchObject({ name: "ConfigError", key: "store.url" });
  });

  test("is refused by validation", async () => {
    const props = await answering(page);
    const connector = s3Plugins[0]!.connector();
    const values = await connector.validate!(props, validateConfig(S3_SINK_CONFIG, props), {
      clock: new SystemClock(),
      logger: silentLogger,
      random: new SystemRandom(),
    });
    const errors = values.filter((value) => value.errors.length > 0);
    expect(errors.map(({ name }) => name)).toEqual(["store.url"]);
    expect(errors[0]!.errors[0]).toContain("is not an S3 endpoint");
  });

  test("stores nothing, however it answers a write: no offset is committed", async () => {
    const props = await answering(pageButForHead);
    const createTask = () => new S3SinkTask((settings, logger) => new AwsStoreClient(settings, logger));
    const driver = new SinkDriver(createTask, ORDERS, {
      clock: new SystemClock(),
      props: { ...props, "flush.size": "1" },
    });
    driver.append(rowRecord(0));
    await driver.start();
    const twice = driver
      .deliver(1)
      .then(() => driver.commit())
      .then(() => driver.deliver(1));
    await expect(twice).rejects.toMatchObject({ name: "ConfigError", key: "store.url" });
    expect(driver.committed).toEqual(new Map());
  });

  test.each([
    ["PutObject", (client: AwsStoreClient) => client.putObject("k", bodyOf("x"), false, NEVER)],
    ["CreateMultipartUpload", (client: AwsStoreClient) => client.createUpload("k", NEVER)],
    ["UploadPart", (client: AwsStoreClient) => client.uploadPart("k", "u", 1, bodyOf("x"), NEVER)],
    ["CompleteMultipartUpload", (client: AwsStoreClient) => client.completeUpload("k", "u", [], false, NEVER)],
    ["GetObject", (client: AwsStoreClient) => client.getObject("k", NEVER)],
    ["HeadBucket", (client: AwsStoreClient) => client.headBucket(NEVER)],
  ])("is recognised at %s, with a page or an empty answer", async (name, send) => {
    const client = clientOf(await answering(page));
    expect((await failureOf(send(client))).kind).toBe("not-s3");
    client.destroy();
    server!.close();
    if (name === "HeadBucket") return; // S3 itself answers with an empty 200.
    const other = clientOf(await answering((_, response) => response.writeHead(200).end()));
    // S3 starts its answer to a completion before the completion is done, so an empty answer may be retried.
    expect((await failureOf(send(other))).kind).toBe(name === "CompleteMultipartUpload" ? "transient" : "not-s3");
    other.destroy();
  });
});

describe("a proxy's refusal", () => {
  test("is reported with its status and its first words", async () => {
    const client = clientOf(
      await answering((_, response) => response.writeHead(403, { "Content-Type": "text/html" }).end(PAGE)),
    );
    expect(await failureOf(client.putObject("k", bodyOf("x"), false, NEVER))).toEqual({
      kind: "not-s3",
      cause: '403 not an answer of S3: text/html, beginning "Console of MinIO"',
    });
    client.destroy();
  });

  test("that may be temporary is retried", async () => {
    const client = clientOf(
      await answering((_, response) =>
        response.writeHead(429, { "Content-Type": "text/plain" }).end("too many\nrequests"),
      ),
    );
    expect(await failureOf(client.putObject("k", bodyOf("x"), false, NEVER))).toEqual({
      kind: "transient",
      cause: '429 not an answer of S3: text/plain, beginning "too many requests"',
    });
    client.destroy();
  });
});

function bodyOf(text: string) {
  return {
    length: text.length,
    crc32: 0,
    async *open() {
      yield Buffer.from(text);
    },
  };
}
