import { ConfigError, invalidValue } from "../../../src/api/index.js";
import { type FormatKind, formatKind, takesGzip } from "./format-kind.js";
import type { S3SinkValues } from "./s3-sink-config.js";
import { partitionerKind } from "./setting-checks.js";

/** A key and the complete message about its fault. */
export interface Complaint {
  readonly key: string;
  readonly message: string;
}

/**
 * Checks beyond ConfigDef: keys that contradict each other.
 * Called by validation, and again when the connector starts.
 */
export function judgeSettings(values: S3SinkValues): Complaint[] {
  const complaints: Complaint[] = [];
  const refuse = (key: keyof S3SinkValues, detail: string) => {
    const value = values[key] as Parameters<typeof invalidValue>[1];
    const shown = typeof value === "string" && holdsUserInfo(value) ? "[hidden]" : value;
    complaints.push({ key, message: invalidValue(key, shown, detail) });
  };
  judgeFormats(values, refuse);
  const proxy = values["s3.proxy.url"].trim();
  if (holdsUserInfo(proxy))
    refuse("s3.proxy.url", "must not hold a user name or password: set s3.proxy.user and s3.proxy.password");
  else if (proxy !== "" && endpointUrl(proxy) === undefined)
    refuse("s3.proxy.url", "must be a URL like http://proxy:3128");
  const partitioner = partitionerKind(values["partitioner.class"]);
  if ((partitioner === "Field" || partitioner === "FieldAndTimeBased") && values["partition.field.name"].length === 0)
    refuse("partition.field.name", `must be set when using ${partitioner}Partitioner`);
  if (values["s3.wan.mode"] && values["s3.path.style.access.enabled"])
    refuse("s3.wan.mode", "Transfer acceleration needs s3.path.style.access.enabled=false");
  if (values["rotate.schedule.interval.ms"] > 0 && values.timezone.trim() === "")
    refuse("timezone", "timezone configuration must be set when using rotate.schedule.interval.ms");
  if (values["s3.object.tagging.key.value.pairs"].length > MAX_TAG_PAIRS)
    refuse(
      "s3.object.tagging.key.value.pairs",
      `must not have more than ${MAX_TAG_PAIRS} pairs: an object takes ten tags, and startOffset, endOffset and recordCount are three`,
    );
  const keyGiven = values["aws.access.key.id"].trim() !== "";
  const secretGiven = (values["aws.secret.access.key"]?.value ?? "").trim() !== "";
  if (keyGiven && !secretGiven) refuse("aws.secret.access.key", "must be set together with aws.access.key.id");
  if (secretGiven && !keyGiven) refuse("aws.access.key.id", "must be set together with aws.secret.access.key");
  const url = values["store.url"]?.trim() ?? "";
  if (holdsUserInfo(url))
    refuse(
      "store.url",
      "must not hold a user name or password (anything before an @): leave only scheme, host and port, and set aws.access.key.id and aws.secret.access.key, or s3.credentials.provider.class",
    );
  else if (url !== "" && endpointUrl(url) === undefined)
    refuse("store.url", "must be a URL like http://127.0.0.1:9000");
  return complaints;
}

/** @throws ConfigError for the first complaint. */
export function requireSettings(values: S3SinkValues): void {
  const [complaint] = judgeSettings(values);
  if (complaint) throw new ConfigError(complaint.key, complaint.message);
}

/** The endpoint with its scheme, `https://` by default. Undefined if it is not a URL. */
export function endpointUrl(text: string): string | undefined {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  try {
    const url = new URL(withScheme);
    return url.protocol === "http:" || url.protocol === "https:" ? withScheme : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/**
 * Whether a URL may hold credentials. No endpoint of a store needs an @, so this is coarser than a URL parser, which
 * takes `http:/user:secret@host` for a path and would show it.
 */
function holdsUserInfo(url: string): boolean {
  return url.includes("@");
}

const MAX_TAG_PAIRS = 7;

type Refuse = (key: keyof S3SinkValues, detail: string) => void;

/** The objects beside those of values: the key that asks for them, and the key of their format. */
const SIDECARS = [
  ["store.kafka.keys", "keys.format.class"],
  ["store.kafka.headers", "headers.format.class"],
] as const;

function judgeFormats(values: S3SinkValues, refuse: Refuse): void {
  for (const [store, formatKey] of SIDECARS) {
    const kind = formatKind(values[formatKey]);
    if (!values[store]) continue;
    if (!kind) refuse(formatKey, `is not supported; supported are the formats of format.class, or leave ${store} out`);
    if (kind === "bytes" && store === "store.kafka.headers")
      refuse(formatKey, "ByteArrayFormat cannot hold headers, which are lists of texts");
    if (kind === "csv") refuse(formatKey, "CsvFormat is for values only");
  }
  if (values["s3.compression.type"] === "gzip") {
    const formats = [["", "format.class"] as const, ...SIDECARS].filter(([store]) => store === "" || values[store]);
    for (const [store, formatKey] of formats) {
      if (takesGzip(formatKind(values[formatKey]))) continue;
      refuse("s3.compression.type", `compresses text and bytes; set it to none, or ${formatKey} to JsonFormat`);
      refuse(formatKey, "cannot be used with s3.compression.type=gzip");
      if (store !== "") refuse(store, `cannot be used with s3.compression.type=gzip and this ${formatKey}`);
    }
  }
  const nullText = values["format.csv.null"];
  if (
    formatKind(values["format.class"]) === "csv" &&
    (/["\r\n]/.test(nullText) || nullText.includes(values["format.csv.delimiter"]))
  )
    refuse("format.csv.null", "must hold no quote, line break or format.csv.delimiter: a null is never quoted");
  if (values["avro.codec"] === "bzip2" && usesFormat(values, "avro"))
    refuse("avro.codec", "bzip2 is not supported; use null, deflate, snappy or zstandard");
  if (values["parquet.codec"] === "lzo" && usesFormat(values, "parquet"))
    refuse("parquet.codec", "lzo is not supported; use none, snappy, gzip, brotli, zstd or lz4_raw");
  if (values["behavior.on.null.values"].toLowerCase() === "write" && !values["store.kafka.keys"]) {
    refuse("behavior.on.null.values", "write needs store.kafka.keys=true: nothing else of such a record is stored");
    refuse("store.kafka.keys", "must be true with behavior.on.null.values=write");
  }
}

function usesFormat(values: S3SinkValues, kind: FormatKind): boolean {
  const isUsed = (formatKey: "format.class" | (typeof SIDECARS)[number][1]) => formatKind(values[formatKey]) === kind;
  return isUsed("format.class") || SIDECARS.some(([store, formatKey]) => values[store] && isUsed(formatKey));
}
