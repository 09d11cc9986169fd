import type { TopicConfigEntry } from "../kafka/client/kafka-admin.js";
import { type Finding, incomplete, note } from "./finding.js";

/** Configs of a topic by name. */
export type TopicConfigs = ReadonlyMap<string, TopicConfigEntry>;
/** Changes of a topic's configs; null removes one. */
export type ConfigChanges = Readonly<Record<string, string | null>>;

/** When a topic's configs are set at the target. */
export interface ConfigPlan {
  /** Before the copy: what is set on the topic at the source. */
  readonly first: ConfigChanges;
  /** Before the copy, and only for its time: what is not in force yet. */
  readonly holds: ConfigChanges;
  /** After the copy: the held ones, as they must be. */
  readonly last: ConfigChanges;
  readonly findings: readonly Finding[];
}

const LONG_MAX = "9223372036854775807";
const INT_MAX = 2_147_483_647;

/**
 * The held config without which a copy would be false: the target would replace all timestamps. It must be in force when
 * the first record comes. A change of it is in force some time after the answer, so it is set when a topic is created.
 */
const TIMESTAMP_TYPE = "message.timestamp.type";

/**
 * What would hinder a copy, and the value meanwhile: the target would set other timestamps, refuse old records or those
 * without a key, or delete them before all are there.
 */
const HELD: Readonly<Record<string, string>> = {
  [TIMESTAMP_TYPE]: "CreateTime",
  "message.timestamp.before.max.ms": LONG_MAX,
  "message.timestamp.after.max.ms": LONG_MAX,
  "cleanup.policy": "delete",
  "retention.ms": "-1",
  "retention.bytes": "-1",
};

/** The older name of the limits of timestamps, which no Kafka knows together with these. */
const OLDER = { "message.timestamp.difference.max.ms": LONG_MAX };

const MAX_BYTES = "max.message.bytes";
/** Kafka's default. */
const DEFAULT_MAX_BYTES = 1_048_588;
const MIN_INSYNC = "min.insync.replicas";

/**
 * Plans a topic's configs at the target.
 *
 * @param target the topic's configs there, as it is before the copy.
 * @param replicas of its partitions there.
 * @param createdWith the configs with which this export has created it there.
 */
export function planConfigs(
  topic: string,
  source: TopicConfigs,
  target: TopicConfigs,
  replicas: number,
  createdWith: ConfigChanges = {},
): ConfigPlan {
  const first: Record<string, string | null> = {};
  const findings: Finding[] = [];
  const holds = heldChanges(source, target);
  const own = (key: string) => (key in createdWith ? undefined : setOn(target, key));
  const last: Record<string, string | null> = {};
  for (const key of Object.keys({ ...createdWith, ...holds })) last[key] = setOn(source, key) ?? own(key) ?? null;
  for (const { name, value, isDefault } of source.values()) {
    if (isDefault || value === null || name in last || own(name) === value) continue;
    if (name === MIN_INSYNC && Number(value) > replicas) {
      const text = `${MIN_INSYNC}=${value} is not set: with ${replicas} replicas nobody could write with acks=all`;
      findings.push(incomplete(`topic ${topic}`, text, "export it with a larger --replication-factor, or lower it"));
    } else first[name] = value;
  }
  const kept = [...target.keys()].filter(
    (key) => own(key) !== undefined && setOn(source, key) === undefined && own(key) !== source.get(key)?.value,
  );
  if (kept.length > 0) {
    const set = kept.map((key) => `${key}=${own(key)}`).join(", ");
    const text = `it keeps what is set on it at the target only: ${set}. An export that was broken off may have left it`;
    findings.push(note(`topic ${topic}`, text, "remove what is not wanted with kafka-configs.sh --delete-config"));
  }
  return { first, holds, last, findings };
}

/** With what a topic is created, if the target takes it: all that is held. */
export function creationConfigs(source: TopicConfigs): Record<string, string> {
  return { ...HELD, [MAX_BYTES]: String(neededBytes(source)) };
}

/** Batches are made anew here, and compressed again they may be a little larger than those at the source. */
function neededBytes(source: TopicConfigs): number {
  return Math.min(INT_MAX, Math.max(DEFAULT_MAX_BYTES, 2 * Number(source.get(MAX_BYTES)?.value ?? 0)));
}

/** Whether the target would replace the timestamps of what is copied to the topic. */
export function replacesTimestamps(target: TopicConfigs): boolean {
  return (target.get(TIMESTAMP_TYPE)?.value ?? HELD[TIMESTAMP_TYPE]) !== HELD[TIMESTAMP_TYPE];
}

/** The configs of `expected` that are not in force. */
export function notInForce(expected: ConfigChanges, target: TopicConfigs): string[] {
  return Object.entries(expected).flatMap(([key, value]) => {
    const now = target.get(key);
    const isAsExpected = value === null ? (now?.isDefault ?? true) : isSame(now?.value ?? "", value);
    return isAsExpected ? [] : [key];
  });
}

/** Clusters write the same value in several ways: `compact, delete`, `0.50`. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one.replace(/\s/g, ""), other.replace(/\s/g, "")];
  return a === b || (a !== "" && b !== "" && Number(a) === Number(b));
}

function heldChanges(source: TopicConfigs, target: TopicConfigs): Record<string, string> {
  const holds: Record<string, string> = {};
  for (const [key, value] of Object.entries({ ...HELD, ...OLDER })) {
    const current = target.get(key);
    // What is set on the topic at the source is held back even if the target has the right value by default.
    if (current && (current.value !== value || setOn(source, key) !== undefined)) holds[key] = value;
  }
  const [needed, allowed] = [neededBytes(source), Number(target.get(MAX_BYTES)?.value ?? INT_MAX)];
  if (allowed < needed || setOn(source, MAX_BYTES) !== undefined) holds[MAX_BYTES] = String(Math.max(allowed, needed));
  return holds;
}

function setOn(configs: TopicConfigs, key: string): string | undefined {
  const entry = configs.get(key);
  return entry && !entry.isDefault && entry.value !== null ? entry.value : undefined;
}

/** Configs whose defaults decide what happens to a topic's records, and to which new ones it takes. */
const TELLING = ["cleanup.policy", "retention.ms", "retention.bytes", MAX_BYTES, TIMESTAMP_TYPE, "compression.type"];

/** A config that the topic has by default at both, with other values. */
export interface DefaultDifference {
  readonly key: string;
  readonly source: string;
  readonly target: string;
}

/** The defaults in which source and target differ, of the configs that neither has set on the topic. */
export function defaultDifferences(source: TopicConfigs, target: TopicConfigs): DefaultDifference[] {
  return TELLING.flatMap((key) => {
    const [here, there] = [source.get(key), target.get(key)];
    if (!here?.isDefault || !there?.isDefault || here.value === there.value) return [];
    return [{ key, source: here.value ?? "", target: there.value ?? "" }];
  });
}
