import type { ConfigDef, ConfigValues } from "../../../src/api/index.js";
import { CONNECTOR_KEYS } from "./connector-keys.js";
import { S3_KEYS } from "./s3-keys.js";
import { STORAGE_KEYS } from "./storage-keys.js";

/** Every key of the Confluent S3 sink, with its type and default, and one of ours (s3.buffer.memory.bytes). */
export const S3_SINK_CONFIG = { ...CONNECTOR_KEYS, ...S3_KEYS, ...STORAGE_KEYS } as const satisfies ConfigDef;

export type S3SinkValues = ConfigValues<typeof S3_SINK_CONFIG>;
