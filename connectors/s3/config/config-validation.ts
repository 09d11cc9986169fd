import { ConfigError, invalidValue } from "../../../src/api/index.js";
import type { S3SinkValues } from "./s3-sink-config.js";
import { partitionerKind } from "./setting-checks.js";

/** A key and the complete message about its fault. */
export interface Complaint {
  readonly key: string;
  readonly message: string;
}

/**
 * Checks beyond ConfigDef: keys that contradict each other, and known keys whose feature is not built yet.
 * Called by validation, and again when the connector starts.
 */
export function judgeSettings(values: S3SinkValues): Complaint[] {
  const complaints: Complaint[] = [];
  const refuse = (key: keyof S3SinkValues, detail: string) => {
    const value = values[key] as Parameters<typeof invalidValue>[1];
    const shown = typeof value === "string" && holdsUserInfo(value) ? "[hidden]" : value;
    complaints.push({ key, message: invalidValue(key, shown, detail) });
  };
  judgeUnsupported(values, refuse);
  if (partitionerKind(values["partitioner.class"]) === "Field" && values["partition.field.name"].length === 0)
    refuse("partition.field.name", "must be set when using FieldPartitioner");
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

function judgeUnsupported(values: S3SinkValues, refuse: (key: keyof S3SinkValues, detail: string) => void): void {
  if (["BACKWARD", "FORWARD", "FULL"].includes(values["schema.compatibility"]))
    refuse(
      "schema.compatibility",
      "is not supported yet; supported is NONE (files are finished when the schema changes)",
    );
  if (values["behavior.on.null.values"].toLowerCase() === "write")
    refuse("behavior.on.null.values", "write is not supported yet; supported are fail and ignore");
  if (values["store.kafka.keys"]) refuse("store.kafka.keys", "is not supported yet; only values are written");
  if (values["store.kafka.headers"]) refuse("store.kafka.headers", "is not supported yet; only values are written");
  if (values["s3.proxy.url"].trim() !== "") refuse("s3.proxy.url", "is not supported yet; leave it empty");
}
