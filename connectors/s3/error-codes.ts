import type { ErrorCodes } from "../../src/api/index.js";

/** The sink's own error codes. */
export const ERROR_CODES: ErrorCodes = {
  S3_BUCKET_MISSING: {
    text: "The bucket does not exist at this endpoint.",
    advice: "Create it, or correct s3.bucket.name, s3.region or store.url; then restart the task.",
  },
  S3_ACCESS_REFUSED: {
    text: "These credentials lack a right in the object store that the sink needs.",
    advice:
      "Allow s3:PutObject, s3:GetObject, s3:AbortMultipartUpload and s3:ListBucket on the bucket, and with s3.object.tagging s3:PutObjectTagging; then restart the task.",
  },
  S3_REQUEST_REFUSED: {
    text: "The object store refused a request, and a retry would be refused again.",
    advice: "See the store's own code and text in the message.",
  },
  S3_UNAVAILABLE: {
    text: "The object store is unreachable or throttles requests.",
    advice: "None needed: the task continues once the store answers. Its status shows the reason.",
  },
  S3_OBJECT_CONFLICT: {
    text: "An object of this name already exists and holds other records; it was not overwritten.",
    advice:
      "Move or delete the object, or choose another topics.dir; then restart the task. The message names more ways out.",
  },
  S3_CONDITIONAL_WRITES_UNSUPPORTED: {
    text: "The store does not support conditional writes (If-None-Match), or ignores them.",
    advice:
      "Set enable.conditional.writes=false and accept duplicates after a crash, or leave out rotate.schedule.interval.ms.",
  },
  S3_CODEC_MISSING: {
    text: "The codec of the configured format needs an optional package that is not installed.",
    advice: "Install the package that the message names, or set another codec; then restart the task.",
  },
  S3_RECORD_REFUSED: {
    text: "A record cannot be written in the configured format.",
    advice: "See the reason in the message; with errors.tolerance=all such records go to the dead letter queue or log.",
  },
  S3_PARTITION_UNKNOWN: {
    text: "The partitioner finds no directory for a record.",
    advice:
      "See the field or timestamp named in the message; with errors.tolerance=all such records go to the dead letter queue or log.",
  },
};
