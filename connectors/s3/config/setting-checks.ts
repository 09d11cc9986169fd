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

/**
 * chain: AWS's default chain. environment: AWS_ACCESS_KEY_ID and its neighbours. profile: that of AWS_PROFILE, or
 * `default`. anonymous: requests without a signature.
 */
export type CredentialsKind = "chain" | "environment" | "profile" | "anonymous";

const V1 = "com.amazonaws.auth.";
const V2 = "software.amazon.awssdk.auth.credentials.";
/** Names of both versions of the AWS SDK: the original knew the first until 2025. */
const CREDENTIALS: ReadonlyMap<string, CredentialsKind> = new Map([
  [`${V2}DefaultCredentialsProvider`, "chain"],
  [`${V1}DefaultAWSCredentialsProviderChain`, "chain"],
  [`${V2}EnvironmentVariableCredentialsProvider`, "environment"],
  [`${V1}EnvironmentVariableCredentialsProvider`, "environment"],
  [`${V2}ProfileCredentialsProvider`, "profile"],
  [`${V1}profile.ProfileCredentialsProvider`, "profile"],
  [`${V2}AnonymousCredentialsProvider`, "anonymous"],
  [`${V1}AnonymousAWSCredentials`, "anonymous"],
]);

/** What the credentials provider of that class name does, if it is a known one. */
export function credentialsKind(className: string): CredentialsKind | undefined {
  return CREDENTIALS.get(className);
}

export const checkCredentialsClass: ConfigCheck = (key, value) =>
  typeof value !== "string" || credentialsKind(value)
    ? undefined
    : invalidValue(
        key,
        value,
        `Credentials provider is not supported; supported are ${[...CREDENTIALS.keys()].join(", ")}. Leave the key out for AWS's default chain, which also finds web identities and roles of containers and instances, or set aws.access.key.id and aws.secret.access.key`,
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
