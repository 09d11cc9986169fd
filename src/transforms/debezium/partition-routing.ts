import {
  type ConfigCheck,
  type ConnectRecord,
  type ConnectValue,
  DataError,
  invalidValue,
  type Props,
  parseConfig,
  type Schema,
  Struct,
  type Transformation,
} from "../../api/index.js";
import { javaHash } from "../record/java-hash.js";
import { murmurIntHash, murmurTextHash } from "../record/murmur-hash.js";
import { required } from "./config-rules.js";
import { changeEvent } from "./envelope.js";

const isPositive: ConfigCheck = (key, value) =>
  typeof value === "number" && value <= 0
    ? invalidValue(key, value, "A positive, non-zero integer value is expected")
    : undefined;

const noEmptyItems: ConfigCheck = (key, value) =>
  required(key, value) ??
  (Array.isArray(value) && value.includes("")
    ? invalidValue(key, value, "Empty string element(s) not allowed")
    : undefined);

const CONFIG = {
  "partition.payload.fields": {
    type: "list",
    importance: "high",
    group: "partitions",
    order: 0,
    displayName: "List of payload fields to use for compute partition.",
    check: noEmptyItems,
    doc: "Fields of the event whose values choose the partition: `source.table,after.id`; `change.id` is that of the row after the change, or of the row that was deleted. A field that an event lacks is left out.",
  },
  "partition.topic.num": {
    type: "int",
    importance: "high",
    group: "partitions",
    order: 1,
    displayName: "Number of partition configured for topic",
    check: isPositive,
    doc: "The number of the topic's partitions.",
  },
  "partition.hash.function": {
    type: "string",
    default: "java",
    importance: "low",
    group: "partitions",
    order: 2,
    displayName: "Hash function",
    doc: "The hash of the values: `java` (hashCode), or `murmur`.",
  },
} as const;

/** A value with its schema. */
interface Found {
  readonly schema: Schema;
  readonly value: ConnectValue;
}

/** Chooses an event's partition by values in it, `io.debezium.transforms.partitions.PartitionRouting`. */
export class PartitionRouting implements Transformation {
  readonly config = CONFIG;
  #paths: readonly (readonly string[])[] = [];
  #partitions = 1;
  #hash: (found: Found) => number = hashOf;

  configure(props: Props): void {
    const values = parseConfig(CONFIG, props);
    this.#paths = values["partition.payload.fields"].map((path) => path.split(".").map((step) => step.trim()));
    this.#partitions = values["partition.topic.num"];
    this.#hash = values["partition.hash.function"].trim().toLowerCase() === "murmur" ? murmurOf : hashOf;
  }

  apply(record: ConnectRecord): ConnectRecord {
    const event = changeEvent(record);
    if (!event) return record;
    const operation = event.schema.field("op") ? event.get("op") : null;
    if (operation === "t" || operation === "m") return record;
    const found = this.#paths.flatMap((path) => valueAt(event, path, operation) ?? []);
    if (found.length === 0) return record;
    const hash = found.reduce((sum, each) => (sum + this.#hash(each)) | 0, 0) & 0x7fffffff;
    return record.with({ partition: (hash === 0x7fffffff ? 0 : hash) % this.#partitions });
  }
}

function hashOf({ schema, value }: Found): number {
  return javaHash(schema, value);
}

function murmurOf(found: Found): number {
  return typeof found.value === "string" ? murmurTextHash(found.value) : murmurIntHash(hashOf(found));
}

/** undefined: the event has no such field, or it is null. */
function valueAt(event: Struct, path: readonly string[], operation: ConnectValue): Found | undefined {
  let found: Found = { schema: event.schema, value: event };
  for (const [at, step] of path.entries()) {
    if (!(found.value instanceof Struct)) return undefined;
    const isLast = at === path.length - 1;
    const name = step === "change" && !isLast ? rowOf(operation) : step;
    const field = found.value.schema.field(name);
    if (!field) return undefined;
    found = { schema: field.schema, value: found.value.get(name) };
  }
  if (found.value instanceof Struct)
    throw new DataError(
      "VALUE_INVALID",
      `partition.payload.fields names ${path.join(".")}, which is a struct: name one of its fields`,
    );
  return found.value === null ? undefined : found;
}

function rowOf(operation: ConnectValue): string {
  return operation === "d" ? "before" : "after";
}
