import { describe, expect, test } from "vitest";
import { endpointUrl, judgeSettings } from "../../../../connectors/s3/config/config-validation.js";
import { S3_SINK_CONFIG } from "../../../../connectors/s3/config/s3-sink-config.js";
import s3Plugins from "../../../../connectors/s3/index.js";
import { planWriter } from "../../../../connectors/s3/partition/plan-writer.js";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { storePlace, storeSettings } from "../../../../connectors/s3/store/store-settings.js";
import { parseConfig, validateConfig } from "../../../../src/api/index.js";
import { SINK_PROPS } from "./sink-driver.js";

const faultsOf = (props: Record<string, string>) =>
  validateConfig(S3_SINK_CONFIG, { ...SINK_PROPS, ...props })
    .filter(({ errors }) => errors.length > 0)
    .map(({ name }) => name);
const complaintsOf = (props: Record<string, string>) =>
  judgeSettings(parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, ...props })).map(({ key }) => key);

test("the plugin has the Confluent names and plans the same work for every task", async () => {
  const [plugin] = s3Plugins;
  expect(plugin).toMatchObject({
    type: "sink",
    className: "io.confluent.connect.s3.S3SinkConnector",
    taskClassName: "io.confluent.connect.s3.S3SinkTask",
  });
  const connector = plugin!.connector();
  await connector.start({} as Parameters<typeof connector.start>[0], SINK_PROPS);
  expect(await connector.taskConfigs(2)).toEqual([SINK_PROPS, SINK_PROPS]);
});

test("a configuration written for the original is accepted unchanged", () => {
  const original = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
    "partition.duration.ms": "3600000",
    "path.format": "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH",
    locale: "en-US",
    timezone: "UTC",
    "timestamp.extractor": "RecordField",
    "timestamp.field": "after.created_at",
    "rotate.interval.ms": "60000",
    "rotate.schedule.interval.ms": "600000",
    "schema.compatibility": "NONE",
    "s3.region": "eu-central-1",
    "s3.part.size": "5242880",
    "s3.compression.type": "gzip",
    "s3.credentials.provider.class": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    "s3.elastic.buffer.enable": "true",
    "topics.dir": "raw",
    "parquet.codec": "snappy",
  };
  expect(faultsOf(original)).toEqual([]);
  expect(complaintsOf(original)).toEqual([]);
});

describe("an unusable value is reported under its key", () => {
  test.each([
    ["format.class", "io.confluent.connect.s3.format.orc.OrcFormat"],
    ["parquet.row.group.bytes", "1000"],
    ["storage.class", "io.confluent.connect.storage.Storage"],
    ["partitioner.class", "com.example.MyPartitioner"],
    ["flush.size", "many"],
    ["s3.part.size", "5242879"],
    ["s3.compression.type", "zstd"],
    ["s3.compression.level", "10"],
    ["s3.region", " "],
    ["timezone", "Mars/Base"],
    ["partition.field.name", "a..b"],
    ["s3.credentials.provider.class", "com.example.Provider"],
    ["s3.schema.partition.affix.type", "prefix"],
    ["behavior.on.null.values", "explode"],
    ["filename.offset.zero.pad.width", "-1"],
    ["s3.object.tagging.key.value.pairs", "novalue"],
    ["s3.acl.canned", "everyone"],
    ["format.csv.delimiter", "||"],
    ["format.csv.delimiter", '"'],
  ])("%s=%s", (key, value) => {
    expect(faultsOf({ [key]: value })).toEqual([key]);
  });
});

const BYTES_FORMAT = "io.confluent.connect.s3.format.bytearray.ByteArrayFormat";
const CSV_FORMAT = "io.millrace.connect.s3.format.csv.CsvFormat";
const FIELD_AND_TIME = "io.millrace.connect.s3.partitioner.FieldAndTimeBasedPartitioner";

describe("unsupported and contradictory settings are refused", () => {
  test.each<[Record<string, string>, string[]]>([
    [{ "behavior.on.null.values": "write" }, ["behavior.on.null.values", "store.kafka.keys"]],
    [{ "store.kafka.headers": "true", "headers.format.class": BYTES_FORMAT }, ["headers.format.class"]],
    [{ "store.kafka.keys": "true", "keys.format.class": CSV_FORMAT }, ["keys.format.class"]],
    [{ "store.kafka.keys": "true", "keys.format.class": "com.example.Format" }, ["keys.format.class"]],
    [{ "partitioner.class": FIELD_AND_TIME }, ["partition.field.name"]],
    [{ "s3.object.tagging.key.value.pairs": "a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8" }, ["s3.object.tagging.key.value.pairs"]],
    [{ "s3.proxy.url": "http://proxy:3128" }, []],
    [{ "s3.proxy.url": "http://proxy port" }, ["s3.proxy.url"]],
    [{ "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner" }, ["partition.field.name"]],
    [{ "s3.wan.mode": "true" }, ["s3.wan.mode"]],
    [{ "rotate.schedule.interval.ms": "60000" }, ["timezone"]],
    [{ "aws.access.key.id": "AKIA" }, ["aws.secret.access.key"]],
    [{ "aws.secret.access.key": "s" }, ["aws.access.key.id"]],
    [{ "store.url": "ftp://host" }, ["store.url"]],
  ])("%j", (props, keys) => {
    expect(complaintsOf(props)).toEqual(keys);
  });

  test("without showing a secret", () => {
    const values = parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, "aws.secret.access.key": "topsecret" });
    expect(JSON.stringify(judgeSettings(values))).not.toContain("topsecret");
  });
});

test("writes are conditional where rotation depends on the clock, and only then", () => {
  const plan = (props: Record<string, string>) =>
    planWriter(parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, timezone: "UTC", ...props })).conditionalWrites;
  expect(plan({})).toBe(false);
  expect(plan({ "rotate.schedule.interval.ms": "1000" })).toBe(true);
  expect(plan({ "rotate.idle.interval.ms": "1000" })).toBe(true);
  expect(plan({ "rotate.schedule.interval.ms": "1000", "store.kafka.keys": "true" })).toBe(false);
  expect(plan({ "rotate.schedule.interval.ms": "1000", "store.kafka.headers": "true" })).toBe(false);
  expect(plan({ "rotate.schedule.interval.ms": "1000", "enable.conditional.writes": "false" })).toBe(false);
});

test("an interval of record time applies to time-based partitioners only", () => {
  const plan = (props: Record<string, string>) =>
    planWriter(parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, "rotate.interval.ms": "1000", ...props })).rotation;
  expect(plan({}).intervalMs).toBeUndefined();
  const hourly = { "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner" };
  expect(plan({ ...hourly, locale: "en", timezone: "UTC" }).intervalMs).toBe(1000);
  expect(() => plan({ ...hourly, locale: "en" })).toThrow(/timezone: Timezone cannot be empty/);
});

describe("credentials in store.url", () => {
  const parse = (url: string) => parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, "store.url": url });
  const urls = [
    "http://user:SECRET@127.0.0.1:9000",
    " https://SECRET@minio.example/ ",
    "user:SECRET@minio.example",
    "http://user%40x:SEC@RET@minio.example",
    "http:/user:SECRET@minio.example",
    "ftp://user:SECRET@minio.example",
  ];

  test.each(urls)("%s is refused, by validation and at the start, and shown nowhere", async (url) => {
    const complaints = judgeSettings(parse(url));
    expect(complaints.map(({ key }) => key)).toEqual(["store.url"]);
    expect(complaints[0]!.message).toMatch(/\[hidden\].*store\.url.*aws\.access\.key\.id.*aws\.secret\.access\.key/);
    expect(complaints[0]!.message).not.toMatch(/SEC|RET|user:/);
    const props = { ...SINK_PROPS, "store.url": url };
    const connector = s3Plugins[0]!.connector();
    await expect(connector.start({} as Parameters<typeof connector.start>[0], props)).rejects.toThrow(
      complaints[0]!.message,
    );
    const task = new S3SinkTask(() => {
      throw new Error("No client may be created from this URL");
    });
    await expect(task.start({} as Parameters<typeof task.start>[0], props)).rejects.toThrow(complaints[0]!.message);
  });

  test("are not shown in the objects' location either", () => {
    const place = (url: string) => storePlace(storeSettings(parse(url))).endpoint;
    expect(place("http://user:SECRET@127.0.0.1:9000/s3")).toBe("http://127.0.0.1:9000/s3");
    expect(place("user:SEC@RET@minio.example")).toBe("https://minio.example");
    expect(place("http://127.0.0.1:9000")).toBe("http://127.0.0.1:9000");
  });

  test("of a proxy are refused, and not shown", () => {
    const values = parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, "s3.proxy.url": "http://user:SECRET@proxy:3128" });
    expect(judgeSettings(values).map(({ key }) => key)).toEqual(["s3.proxy.url"]);
    expect(JSON.stringify(judgeSettings(values))).not.toContain("SECRET");
  });
});

describe("the store", () => {
  test.each([
    ["http://127.0.0.1:9000", "http://127.0.0.1:9000"],
    ["minio.example", "https://minio.example"],
    ["name:9000", "https://name:9000"],
    ["127.0.0.1:9000", "https://127.0.0.1:9000"],
    ["://", undefined],
  ])("%s is reached at %s", (text, url) => {
    expect(endpointUrl(text)).toBe(url);
  });

  test("encryption headers are the original's", () => {
    const encryption = (props: Record<string, string>) =>
      storeSettings(parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, ...props })).encryption;
    expect(encryption({})).toBeUndefined();
    expect(encryption({ "s3.ssea.name": "AES256" })).toMatchObject({ kind: "managed", algorithm: "AES256" });
    expect(encryption({ "s3.ssea.name": "AES256", "s3.sse.customer.key": "a2V5" })?.kind).toBe("customer-key");
    expect(encryption({ "s3.ssea.name": "aws:kms" })).toBeUndefined();
    expect(encryption({ "s3.ssea.name": "aws:kms", "s3.sse.kms.key.id": "k" })).toMatchObject({ kmsKeyId: "k" });
  });
});

test.each(['"', "\n", ",", "a,b"])("a null of CSV that would break its line is refused: %j", (text) => {
  const csv = { "format.class": "io.millrace.connect.s3.format.csv.CsvFormat" };
  const values = parseConfig(S3_SINK_CONFIG, { ...SINK_PROPS, ...csv });
  expect(judgeSettings({ ...values, "format.csv.null": text }).map(({ key }) => key)).toEqual(["format.csv.null"]);
  expect(judgeSettings({ ...values, "format.csv.null": "NULL" })).toEqual([]);
});
