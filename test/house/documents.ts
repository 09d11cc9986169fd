import {
  type ConfigDef,
  ConfigError,
  type ConfigKey,
  ConflictError,
  type ConnectorPlugin,
  DataError,
  type ErrorCodes,
  NotFoundError,
  Password,
  RetriableError,
  renderAtom,
  UnsupportedError,
} from "../../src/api/index.js";
import type { Handler } from "../../src/broker/handler.js";
import { exitCodeOf } from "../../src/cli/exit-code.js";
import { statusOf } from "../../src/rest/error-status.js";
import { isRetriable } from "../../src/worker/task/error-policy.js";

const NOTICE = "<!-- Made by `npm run docs`: change the definitions in the code, not this file. -->";

/** docs/errors.md: the kinds of errors and what becomes of each, then every code. */
export function errorDocument(core: ErrorCodes, connectors: ReadonlyMap<string, readonly ConnectorPlugin[]>): string {
  const kinds = [
    ["retriable", "the same call may work later", new RetriableError("STORE_UNREADABLE", "")],
    ["data", "this record is bad, the next may be good", new DataError("VALUE_INVALID", "")],
    ["config", "a setting is wrong", new ConfigError("", "")],
    ["not-found", "what was named does not exist", new NotFoundError("CONNECTOR_NOT_FOUND", "")],
    ["conflict", "the state of things forbids it now", new ConflictError("CONNECTOR_EXISTS", "")],
    ["unsupported", "it cannot be done here, now or later", new UnsupportedError("NOT_BUILT_YET", "")],
  ] as const;
  const codes = (title: string, of: ErrorCodes) => [
    `## ${title}`,
    table(
      ["code", "meaning", "what to do"],
      Object.entries(of).map(([code, { text, advice }]) => [`\`${code}\``, text, advice]),
    ),
  ];
  const own = [...connectors].flatMap(([name, plugins]) => {
    const all: ErrorCodes = Object.assign({}, ...plugins.map(({ errorCodes }) => errorCodes));
    return Object.keys(all).length === 0 ? [] : codes(`Connector ${name}`, all);
  });
  return page("Errors", [
    "Every error of Millrace has a kind and a stable code. The message names the key, table or object, and what to do.",
    "## Kinds",
    table(
      ["kind", "meaning", "tried again", "HTTP status", "exit code at start"],
      kinds.map(([kind, meaning, error]) => [
        kind,
        meaning,
        isRetriable(error) ? "yes" : "no",
        String(statusOf(error)),
        String(exitCodeOf(error, "starting")),
      ]),
    ),
    "Once it runs, a command that fails ends with exit code 3, or with 1 for a wrong setting.",
    ...codes("Worker, broker and command line", core),
    ...own,
  ]);
}

/** docs/connectors/NAME.md: the keys of its plugins. */
export function connectorDocument(name: string, plugins: readonly ConnectorPlugin[]): string {
  return page(
    `Connector ${name}`,
    plugins.flatMap(({ className, type, connector }) => [
      `## ${className}`,
      `A ${type}. The keys that every ${type} connector has (\`tasks.max\`, converters, \`errors.*\`) are Kafka Connect's.`,
      keyTable(connector().config),
    ]),
  );
}

function keyTable(def: ConfigDef): string {
  const rows = Object.entries(def).map(([key, definition]) => [
    `\`${key}\``,
    definition.type,
    defaultOf(definition),
    definition.importance ?? "medium",
    definition.doc,
  ]);
  return table(["key", "type", "default", "importance", "meaning"], rows);
}

function defaultOf(key: ConfigKey): string {
  if (!("default" in key)) return "required";
  if (key.default === null || key.default === undefined) return "none";
  const text = key.type === "password" ? Password.HIDDEN : renderAtom(key.default);
  return text === "" ? "empty" : `\`${text}\``;
}

/** docs/worker.md: a worker's properties. */
export function workerDocument(
  served: ConfigDef,
  withoutEffect: Iterable<string>,
  refused: Readonly<Record<string, string>>,
): string {
  return page("Worker properties", [
    "Names and meaning are Kafka Connect's. Clients read further keys: those of connections (`security.protocol`, `ssl.*`, `sasl.*`, `request.timeout.ms` and the like) bare, all others under `producer.`, `consumer.` and `admin.`.",
    "## Served",
    keyTable(served),
    "## Refused",
    "A worker does not start with these: without them it would be more open than its owner believes. The same goes for all `listeners.https.*` and `admin.listeners.*`, for `ssl.client.auth` but `none`, and, where a client would use them, for Java classes of SASL and SSL.",
    table(
      ["key", "what to do"],
      Object.entries(refused).map(([key, instead]) => [`\`${key}\``, instead]),
    ),
    "## Without effect",
    "Each is warned about when the worker starts.",
    [...withoutEffect]
      .sort()
      .map((key) => `\`${key}\``)
      .join(", "),
  ]);
}

/** docs/broker-apis.md: what the bundled broker serves. */
export function brokerDocument(handlers: readonly Handler[]): string {
  const range = ([low, high]: readonly [number, number]) => (low === high ? String(low) : `${low} to ${high}`);
  const rows = [...handlers]
    .sort((a, b) => a.key - b.key)
    .map(({ key, name, versions, advertised }) => [String(key), name, range(versions), range(advertised)]);
  return page("APIs of the bundled broker", [
    "Kafka clients ask for this table (ApiVersions) and settle on the newest version that both sides have.",
    table(["key", "API", "served", "advertised"], rows),
  ]);
}

function page(title: string, parts: readonly string[]): string {
  return `${[`# ${title}`, NOTICE, ...parts].join("\n\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}
