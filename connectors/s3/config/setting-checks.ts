import { type ConfigAtom, type ConfigCheck, invalidValue } from "../../../src/api/index.js";
import { TimeZone } from "../time/time-zone.js";

const S3_STORAGE = "io.confluent.connect.s3.storage.S3Storage";
const PARTITIONER_PACKAGE = "io.confluent.connect.storage.partitioner.";
const PARTITIONERS = ["Default", "Field", "TimeBased", "Daily", "Hourly"] as const;
/** Our own. */
const FIELD_AND_TIME = "io.millrace.connect.s3.partitioner.FieldAndTimeBasedPartitioner";
export type PartitionerKind = (typeof PARTITIONERS)[number] | "FieldAndTimeBased";

/** The partitioner of that class name, if it is one. */
export function partitionerKind(className: string): PartitionerKind | undefined {
  if (className === FIELD_AND_TIME) return "FieldAndTimeBased";
  return PARTITIONERS.find((kind) => className === `${PARTITIONER_PACKAGE}${kind}Partitioner`);
}

export function isTimeBased(kind: PartitionerKind | undefined): boolean {
  return kind === "TimeBased" || kind === "Daily" || kind === "Hourly" || kind === "FieldAndTimeBased";
}

export const storageCheck: ConfigCheck = (key, value) =>
  value === null || value === S3_STORAGE ? undefined : invalidValue(key, value, `Supported is ${S3_STORAGE}`);

export const partitionerCheck: ConfigCheck = (key, value) =>
  typeof value !== "string" || partitionerKind(value)
    ? undefined
    : invalidValue(
        key,
        value,
        `Partitioner is not supported; supported are ${PARTITIONERS.map((kind) => `${PARTITIONER_PACKAGE}${kind}Partitioner`).join(", ")}`,
      );

const DEFAULT_CHAINS = new Set([
  "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
  "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
  // Some configs name one member of the default chain; the chain finds it.
  "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider",
  "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
]);

export const checkCredentialsClass: ConfigCheck = (key, value) =>
  typeof value !== "string" || DEFAULT_CHAINS.has(value)
    ? undefined
    : invalidValue(
        key,
        value,
        "Credentials provider is not supported; leave the key out for AWS's default chain, or set aws.access.key.id and aws.secret.access.key",
      );

export const checkTimezone: ConfigCheck = (key, value) =>
  typeof value !== "string" || value.trim() === "" || TimeZone.of(value)
    ? undefined
    : invalidValue(key, value, "The datetime zone id is not recognised; examples: UTC, Europe/Berlin, +01:00");

export const checkDirectoryFields: ConfigCheck = (key, value) => {
  const wrong = listOf(value).find((name) => name.split(".").some((step) => step.trim() === ""));
  return wrong === undefined ? undefined : invalidValue(key, value, `'${wrong}' is not a (dotted) field name`);
};

export const checkCsvDelimiter: ConfigCheck = (key, value) =>
  typeof value === "string" && [...value].length === 1 && !/["\r\n]/.test(value)
    ? undefined
    : invalidValue(
        key,
        value,
        "must be one character, and neither a quote nor a line break; tabs and blanks are trimmed away",
      );

export const checkTagPairs: ConfigCheck = (key, value) => {
  const wrong = listOf(value).find((pair) => !pair.includes(":"));
  return wrong === undefined ? undefined : invalidValue(key, value, `'${wrong}' is not of the form key:value`);
};

function listOf(value: ConfigAtom): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
