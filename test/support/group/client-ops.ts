import type { Clock } from "../../../src/api/index.js";
import type { TargetState } from "../../../src/contract/target-state.js";
import type { AppendedRecord, SimTopic } from "./sim-topic.js";

type Config = Readonly<Record<string, string>>;

/** A connector as the config topic's newest records have it. */
export interface ConnectorRecord {
  readonly name: string;
  readonly config: Config;
  readonly target: TargetState;
}

interface Op {
  readonly connector: string;
  readonly kind: "put" | "patch" | "delete";
  /** Names the write in the record; empty for a delete. */
  readonly v: string;
  readonly startMs: number;
  /** Its answer; infinite while there is none, or if it is an error: the write may still come. */
  endMs: number;
  isAcknowledged: boolean;
}

/** A change of a connector's offsets by REST. An alteration writes its start as the offset. */
export interface OffsetChange {
  /** Undefined: a reset of all of them. */
  readonly task: number | undefined;
  readonly startMs: number;
}

interface AnsweredChange extends OffsetChange {
  readonly endMs: number;
  readonly isAcknowledged: boolean;
}

/** What clients have asked the group to write, and whether the config topic has it. */
export class ClientOps {
  readonly #ops: Op[] = [];
  readonly #offsetChanges = new Map<string, AnsweredChange[]>();
  /** Changes of offsets without an answer yet. */
  openChanges = 0;

  constructor(
    private readonly clock: Clock,
    private readonly topic: SimTopic,
  ) {}

  /** Notes a request for as long as it lasts. */
  async during(connector: string, kind: Op["kind"], v: string, request: Promise<unknown>): Promise<void> {
    const op: Op = {
      connector,
      kind,
      v,
      startMs: this.clock.monotonicMs(),
      endMs: Number.POSITIVE_INFINITY,
      isAcknowledged: false,
    };
    this.#ops.push(op);
    try {
      await request;
      op.endMs = this.clock.monotonicMs();
      op.isAcknowledged = true;
    } catch {
      // It may have been written.
    }
  }

  async changing(connector: string, change: OffsetChange, request: Promise<unknown>): Promise<void> {
    this.openChanges++;
    // Nothing is promised after an error.
    const isAcknowledged = await request.then(
      () => true,
      () => false,
    );
    this.openChanges--;
    const answered = { ...change, endMs: this.clock.monotonicMs(), isAcknowledged };
    this.#offsetChanges.set(connector, [...(this.#offsetChanges.get(connector) ?? []), answered]);
  }

  /**
   * When the last acknowledged change began that leaves no room for an offset of `sinceMs`: it began later, and not
   * during the alteration that wrote this offset, since either of two concurrent requests may be the last.
   */
  offsetChangedMs(connector: string, task: number, sinceMs: number): number | undefined {
    const changes = this.#offsetChanges.get(connector) ?? [];
    const writer = changes.find((change) => change.task === task && change.startMs === sinceMs);
    const later = changes.filter(
      ({ isAcknowledged, startMs, ...change }) =>
        isAcknowledged && (change.task ?? task) === task && startMs > sinceMs && startMs >= (writer?.endMs ?? sinceMs),
    );
    return later.at(-1)?.startMs;
  }

  configured(): ConnectorRecord[] {
    const configs = new Map<string, Config>();
    const targets = new Map<string, TargetState>();
    for (const { key, value } of this.topic.history) {
      const [, kind, name = ""] = /^(connector|target-state)-(.*)$/.exec(String(key)) ?? [];
      const json = value === null ? null : JSON.parse(String(value));
      if (kind === "connector") {
        if (json) configs.set(name, json.properties);
        else configs.delete(name);
      }
      if (kind === "target-state") targets.set(name, json?.["state.v2"] ?? "STARTED");
    }
    return [...configs].map(([name, config]) => ({ name, config, target: targets.get(name) ?? "STARTED" }));
  }

  /** A record of the connector was written late, after others: what it replaced is not known to be lost. */
  isTainted(connector: string): boolean {
    return this.topic.history.some(({ key, isOvertaken }) => isOvertaken && isOf(String(key), connector));
  }

  /** An acknowledged write that the config topic does not have, or no longer has without a reason. */
  lost(): string | undefined {
    for (const connector of new Set(this.#ops.map((op) => op.connector))) {
      if (this.isTainted(connector)) continue;
      const records = this.topic.history.filter(({ key }) => String(key) === `connector-${connector}`);
      const fault = this.#lostWrite(connector, records) ?? lostPatch(connector, records, this.#ops);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #lostWrite(connector: string, records: readonly AppendedRecord[]): string | undefined {
    const ops = this.#ops.filter((op) => op.connector === connector);
    const last = records.at(-1);
    const v = last ? versionOf(last) : undefined;
    const writers = ops.filter((op) => (v === undefined ? op.kind === "delete" : op.v === v));
    const endMs = Math.max(...writers.map((op) => op.endMs));
    for (const op of ops) {
      if (!op.isAcknowledged) continue;
      if (!records.some((record) => (op.kind === "delete" ? record.value === null : versionOf(record) === op.v)))
        return `${op.kind} ${op.v} of ${connector} was acknowledged and never written`;
      if (op.startMs > endMs) return `${op.kind} ${op.v} of ${connector} was acknowledged and then undone by ${v}`;
    }
    return undefined;
  }
}

/** A change of a connector that another change has undone, or that was made to a deleted one. */
function lostPatch(connector: string, records: readonly AppendedRecord[], ops: readonly Op[]): string | undefined {
  let before: Config | undefined;
  for (const record of records) {
    const config = record.value === null ? undefined : (JSON.parse(String(record.value)).properties as Config);
    const isPatch = config !== undefined && ops.some((op) => op.kind === "patch" && op.v === config["v"]);
    if (isPatch && !before) return `${connector} was deleted and returned by ${config["v"]}`;
    if (isPatch && before) {
      const missing = Object.keys(before).find((key) => key.startsWith("patch.") && !(key in config));
      if (missing !== undefined) return `${config["v"]} of ${connector} undoes ${missing}`;
    }
    before = config;
  }
  return undefined;
}

function versionOf({ value }: AppendedRecord): string | undefined {
  return value === null ? undefined : JSON.parse(String(value)).properties.v;
}

function isOf(key: string, connector: string): boolean {
  return (
    [`connector-${connector}`, `commit-${connector}`, `target-state-${connector}`].includes(key) ||
    key.startsWith(`task-${connector}-`)
  );
}
