import { tmpdir } from "node:os";
import { join } from "node:path";

/** An answer's status and body, for comparison. */
export interface OffsetAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * A deliberate difference. `mistake`: the original answers 500 to a client's mistake, ours 400 with the same message.
 * An object: our status and message, with the reason.
 */
type Difference = "mistake" | { readonly status: number; readonly message: RegExp; readonly why: string };

export interface OffsetCase {
  readonly method: "GET" | "PATCH" | "DELETE";
  readonly connector: string;
  /** The body's text. */
  readonly body?: string;
  /** Undefined: the answers are the same. */
  readonly differs?: Difference;
}

/** The file of the source connector, and the topic of the sink connector. */
export const FILE = join(tmpdir(), "millrace-offset-cases.txt");
export const TOPIC = "offset-cases";

const patch = (connector: string, body: unknown, differs?: Difference): OffsetCase => ({
  method: "PATCH",
  connector,
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...(differs && { differs }),
});
const one = (connector: string, partition: unknown, offset: unknown, differs?: Difference) =>
  patch(connector, { offsets: [{ partition, offset }] }, differs);
const get = (connector: string): OffsetCase => ({ method: "GET", connector });
const reset = (connector: string, differs?: Difference): OffsetCase => ({
  method: "DELETE",
  connector,
  ...(differs && { differs }),
});

const JACKSON = "Jackson's texts name Java classes";
const shape = (message: RegExp): Difference => ({ status: 400, message, why: JACKSON });
const NO_CAUSE = "the original leaves out the cause, and answers 500 to a client's mistake";
const unknownPartition = (topic: string, partition: number): Difference => ({
  status: 400,
  message: new RegExp(
    `^Failed to alter consumer group offsets for connector sink: topic ${topic} has no partition ${partition}\\. No offset was altered$`,
  ),
  why: NO_CAUSE,
});

const HERE = { filename: FILE };
const T0 = { kafka_topic: TOPIC, kafka_partition: 0 };

/** Before `source` and `sink` are stopped. */
export const RUNNING_CASES: readonly OffsetCase[] = [
  ...["source", "sink"].flatMap((connector) => [
    one(connector, HERE, { position: 0 }),
    reset(connector),
    patch(connector, {}),
  ]),
  one("none", HERE, { position: 0 }),
  patch("none", {}),
  reset("none"),
  get("none"),
];

/** While they are STOPPED, one after the other: later answers show what earlier requests have done. */
export const STOPPED_CASES: readonly OffsetCase[] = [
  ...["{}", '{"offsets":[]}', '{"offsets":null}'].map((body) => patch("source", body)),
  patch("source", "null", { status: 400, message: /^Partitions \/ offsets need/, why: "a NullPointerException there" }),
  patch("source", "", { status: 400, message: /^The request has no body/, why: "a NullPointerException there" }),
  patch("source", "[]", shape(/^Cannot deserialize value of the request body/)),
  patch("source", "123", shape(/^Cannot construct instance of the request body/)),
  patch("source", '"x"', shape(/^Cannot construct instance of the request body/)),
  patch("source", "{", shape(/^The request body is not JSON: it ends too early$/)),
  patch("source", '{"offsets":[]} x', shape(/^The request body is not JSON: it cannot be read from line 1, column 16/)),
  patch("source", { offsets: [], other: 1 }, shape(/^Unrecognized field "other" in the request body/)),
  patch("source", { offsets: {} }, shape(/^Cannot deserialize value of offsets/)),
  patch("source", { offsets: [123] }, shape(/^Cannot construct instance of offsets\.0/)),
  patch("source", { offsets: [null] }, shape(/^Cannot deserialize value of offsets\.0/)),
  patch("source", { offsets: [{ partition: HERE, x: 1 }] }, shape(/^Unrecognized field "x" in offsets\.0/)),
  one("source", "x", { position: 1 }, shape(/^Cannot construct instance of offsets\.0\.partition/)),
  one("source", 1, { position: 1 }, shape(/^Cannot construct instance of offsets\.0\.partition/)),
  one("source", HERE, 1, shape(/^Cannot construct instance of offsets\.0\.offset/)),
  one("source", HERE, [], shape(/^Cannot deserialize value of offsets\.0\.offset/)),
  one("source", null, { position: 1 }, "mistake"),
  patch("source", { offsets: [{ offset: { position: 1 } }] }, "mistake"),
  patch(
    "source",
    { offsets: [{}] },
    {
      status: 400,
      message: /^Partition objects cannot be null$/,
      why: "a tombstone for no partition, which the original writes",
    },
  ),
  one("source", {}, { position: 1 }, "mistake"),
  one("source", { other: 1 }, { position: 1 }, "mistake"),
  one("source", { filename: { a: 1 } }, { position: 1 }, "mistake"),
  one("source", HERE, {}, "mistake"),
  one("source", HERE, { other: 1 }, "mistake"),
  ...["1", -1, 1.5, null, true].map((position) => one("source", HERE, { position }, "mistake")),
  one("source", HERE, { position: { a: 1 } }, "mistake"),
  one("source", HERE, { position: [1] }, "mistake"),
  patch("source", `{"offsets":[{"partition":{"filename":"f"},"offset":{"position":9223372036854775807}}]}`),
  patch("source", `{"offsets":[{"partition":{"filename":"f"},"offset":{"position":9223372036854775808}}]}`, {
    status: 400,
    message: /field position contains an integer of more than 64 bits$/,
    why: "the original names Java's BigInteger",
  }),
  patch("source", `{"offsets":[{"partition":{"filename":"g"},"offset":{"position":1.0}}]}`, {
    status: 200,
    message: /altered successfully$/,
    why: "1.0 and 1 are one number here",
  }),
  one("source", { filename: "g" }, null),
  one("source", HERE, { position: 2, other: 1 }),
  one("source", { filename: null }, { position: 1 }),
  one("source", { filename: 1 }, { position: 1 }),
  get("source"),
  one("source", { filename: "absent" }, null),
  patch("source", { offsets: [{ partition: HERE }] }),
  get("source"),
  patch("source", {
    offsets: [
      { partition: HERE, offset: { position: 4 } },
      { partition: HERE, offset: { position: 8 } },
    ],
  }),
  patch(
    "source",
    {
      offsets: [
        { partition: HERE, offset: { position: 1 } },
        { partition: { filename: "f" }, offset: { position: -1 } },
      ],
    },
    "mistake",
  ),
  get("source"),
  reset("source"),
  get("source"),
  reset("source"),

  ...[
    { offsets: [{ offset: { kafka_offset: 1 } }] },
    { offsets: [{ partition: {}, offset: { kafka_offset: 1 } }] },
    { offsets: [{ partition: { kafka_topic: TOPIC }, offset: { kafka_offset: 1 } }] },
    { offsets: [{ partition: { kafka_partition: 0 }, offset: { kafka_offset: 1 } }] },
    { offsets: [{ partition: { ...T0, kafka_topic: null }, offset: { kafka_offset: 1 } }] },
  ].map((body) => patch("sink", body)),
  ...[null, "x", 1.5, 3_000_000_000, true, []].map((kafka_partition) =>
    one("sink", { ...T0, kafka_partition }, { kafka_offset: 1 }),
  ),
  ...[{}, { x: 1 }, { kafka_offset: null }, { kafka_offset: "x" }, { kafka_offset: 1.5 }, { kafka_offset: true }].map(
    (offset) => one("sink", T0, offset),
  ),
  one("sink", T0, 1, shape(/^Cannot construct instance of offsets\.0\.offset/)),
  one("sink", { ...T0, kafka_topic: 1 }, { kafka_offset: 1 }, unknownPartition("1", 0)),
  one("sink", { ...T0, kafka_topic: "absent" }, { kafka_offset: 1 }, unknownPartition("absent", 0)),
  one("sink", { ...T0, kafka_topic: "absent" }, null, unknownPartition("absent", 0)),
  one("sink", { ...T0, kafka_partition: 99 }, { kafka_offset: 1 }, unknownPartition(TOPIC, 99)),
  one("sink", { ...T0, kafka_partition: -1 }, { kafka_offset: 1 }, unknownPartition(TOPIC, -1)),
  one("sink", T0, { kafka_offset: -1 }, { status: 400, message: /^Kafka offsets must not be negative/, why: NO_CAUSE }),
  patch(
    "sink",
    `{"offsets":[{"partition":{"kafka_topic":"${TOPIC}","kafka_partition":0},"offset":{"kafka_offset":9223372036854775808}}]}`,
  ),
  one("sink", { ...T0, kafka_partition: "0" }, { kafka_offset: "1" }),
  get("sink"),
  one("sink", { ...T0, x: 1 }, { kafka_offset: 99_999, x: 1 }),
  patch("sink", {
    offsets: [
      { partition: T0, offset: { kafka_offset: 1 } },
      { partition: { ...T0, kafka_partition: "0" }, offset: { kafka_offset: 3 } },
    ],
  }),
  get("sink"),
  one("sink", T0, null),
  get("sink"),
  one("sink", T0, { kafka_offset: 1 }),
  reset("sink"),
  get("sink"),
  reset("sink"),

  // A sink whose group has never existed.
  one("fresh", T0, null, { status: 200, message: /altered successfully$/, why: "there is no offset to delete" }),
  reset("fresh"),
  one("fresh", T0, { kafka_offset: 2 }),
  get("fresh"),
];

/** While another connector is in the group of `sink`. */
export const ZOMBIE_CASES: readonly OffsetCase[] = [
  one("sink", T0, { kafka_offset: 1 }),
  one("sink", T0, null),
  reset("sink"),
];
