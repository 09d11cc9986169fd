import type { SubmittedProps } from "../../../src/api/index.js";

/** Keys that change what is sent, and are not served here, with the value (if any) that changes nothing. */
const REFUSED: Readonly<Record<string, { readonly harmless?: readonly string[]; readonly instead?: string }>> = {
  "provide.transaction.metadata": { harmless: ["false"] },
  "read.only": { harmless: ["false"] },
  converters: { harmless: [""] },
  "post.processors": { harmless: [""] },
  "signal.data.collection": { harmless: [""] },
  "signal.kafka.topic": {},
  "notification.enabled.channels": { harmless: [""] },
  "slot.stream.params": { harmless: [""] },
  "replica.identity.autoset.values": { harmless: [""] },
  "offset.mismatch.strategy": { harmless: ["no_validation"] },
  "xmin.fetch.interval.ms": { harmless: ["0"] },
  "snapshot.select.statement.overrides": { harmless: [""] },
  "snapshot.query.mode": { harmless: ["select_all"] },
  "snapshot.locking.mode": { harmless: ["none", "shared"] },
  "snapshot.isolation.mode": {
    harmless: ["serializable", "repeatable_read"],
    instead: "snapshots are read at repeatable_read",
  },
  "schema.name.adjustment.mode": { harmless: ["none"] },
  "field.name.adjustment.mode": { harmless: ["none"] },
  "column.propagate.source.type": { harmless: [""] },
  "datatype.propagate.source.type": { harmless: [""] },
  "include.schema.comments": { harmless: ["false"] },
  "topic.naming.strategy": { harmless: ["io.debezium.schema.SchemaTopicNamingStrategy"] },
  "transaction.metadata.factory": {},
  "sourceinfo.struct.maker": { harmless: ["io.debezium.connector.postgresql.PostgresSourceInfoStructMaker"] },
  "event.processing.failure.handling.mode": { harmless: ["fail"], instead: "a failing event stops the task" },
  "database.connection.factory.class": {},
  "database.sslfactory": {},
  "guardrail.collections.max": { harmless: ["0"] },
};

/** Families of keys: masks and the like. */
const REFUSED_PATTERNS: readonly RegExp[] = [
  /^column\.truncate\.to\.\d+\.chars$/,
  /^column\.mask\.with\.\d+\.chars$/,
  /^column\.mask\.hash\..+$/,
  /^snapshot\.select\.statement\.overrides\..+$/,
];

/** The keys that must not be ignored, each with why. A column mask that is ignored would publish what it was to hide. */
export function unsupportedKeys(props: SubmittedProps): [string, string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    const rule = REFUSED[name];
    const isRefused = rule
      ? !(rule.harmless ?? []).includes(value.trim()) && !(rule.harmless ?? []).includes(value.trim().toLowerCase())
      : REFUSED_PATTERNS.some((pattern) => pattern.test(name));
    if (isRefused) found.push([name, reasonOf(name, rule)]);
  }
  return found;
}

function reasonOf(name: string, rule: (typeof REFUSED)[string] | undefined): string {
  const harmless = rule?.harmless?.[0];
  const advice =
    harmless === undefined || harmless === "" ? `Remove ${name}.` : `Remove ${name} or set it to ${harmless}.`;
  const instead = rule?.instead === undefined ? "" : ` (${rule.instead})`;
  return `This setting is not supported by this connector and would change what is sent${instead}. ${advice}`;
}
