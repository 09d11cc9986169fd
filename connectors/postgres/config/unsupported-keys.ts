import type { SubmittedProps } from "../../../src/api/index.js";

const NO_JAVA = "Java classes are not loaded";

/** Unsupported Debezium keys that would change the records or the behaviour, each with its harmless values. */
const REFUSED: Readonly<Record<string, { readonly harmless?: readonly string[]; readonly instead?: string }>> = {
  converters: { harmless: [""], instead: NO_JAVA },
  "post.processors": {
    harmless: [""],
    instead: `${NO_JAVA}; with REPLICA IDENTITY FULL unchanged large values are sent without being selected again`,
  },
  "snapshot.query.mode": {
    harmless: ["select_all"],
    instead: "custom names a Java class, which cannot be loaded here; see snapshot.select.statement.overrides",
  },
  "snapshot.locking.mode": {
    // Each table is locked in ACCESS SHARE mode anyway.
    harmless: ["none", "shared"],
    instead: "custom names a Java class, which cannot be loaded here",
  },
  "transaction.metadata.factory": {
    harmless: ["io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory"],
    instead: NO_JAVA,
  },
  "sourceinfo.struct.maker": {
    harmless: ["io.debezium.connector.postgresql.PostgresSourceInfoStructMaker"],
    instead: NO_JAVA,
  },
  "event.processing.failure.handling.mode": { harmless: ["fail"], instead: "a failing event stops the task" },
  "database.connection.factory.class": { instead: NO_JAVA },
  "database.sslfactory": {
    instead: `${NO_JAVA}; database.sslrootcert, database.sslcert and database.sslkey name files`,
  },
  "driver.options": { instead: "database.initial.statements can SET session parameters" },
  "openlineage.integration.enabled": { harmless: ["false"] },
};

/** The driver's own keys, by prefix: ignored, they would leave a connection less safe than it looks, or elsewhere. */
const REFUSED_PREFIXES: readonly string[] = [
  ...["driver.ssl", "driver.socketFactory", "driver.targetServerType", "driver.authenticationPlugin"],
  ...["driver.gss", "driver.kerberos", "driver.jaas"],
];

/** The keys that must not be ignored, each with the reason. */
export function unsupportedKeys(props: SubmittedProps): [string, string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    const rule = REFUSED[name];
    const isRefused = rule
      ? !(rule.harmless ?? []).includes(value.trim()) && !(rule.harmless ?? []).includes(value.trim().toLowerCase())
      : REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (isRefused) found.push([name, reasonOf(name, rule)]);
  }
  return found;
}

function reasonOf(name: string, rule: (typeof REFUSED)[string] | undefined): string {
  const harmless = rule?.harmless?.[0];
  const advice =
    harmless === undefined || harmless === "" ? `Remove ${name}.` : `Remove ${name} or set it to ${harmless}.`;
  const instead = rule?.instead === undefined ? "" : ` (${rule.instead})`;
  return `This setting is not supported by this connector and cannot be ignored${instead}. ${advice}`;
}
